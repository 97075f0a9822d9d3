//! The gate on a machine that is busy elsewhere, many times over: who is innocent is not accused, and who is guilty is named.
//!
//! It takes a quarter of an hour and more: `cargo test --test examples noise -- --ignored --nocapture --test-threads=1`; `RUNS` in
//! the environment says how often each is run.

use crate::expected::Expected;
use crate::hogs::beside_hogs;
use crate::run::{Example, Ran, built, run};
use stallscope::analysis::{Rule, Verdict};
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// How often, where nobody says.
const RUNS: usize = 50;

/// Only the host's own delays breached.
const INCONCLUSIVE: i32 = 97;

/// Every route that does as it ought to what another does wrong; a bounded load over all of them.
const FIXED: [&str; 10] =
    ["sleep", "http", "db", "file", "fsync", "dns", "mutex", "cpu", "cpu-chunks", "pool"];
const LOAD: [&str; 4] = ["--rate=20", "--duration=2s", "--connections=8", "--quiet"];

/// Runs it so often, and prints how it ended how often; none may be other than right.
#[track_caller]
fn every_time(name: &str, run: impl Fn() -> Ran, is_right: impl Fn(&Ran) -> bool) {
    let runs = env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let (mut codes, mut wrong) = (BTreeMap::<i32, usize>::new(), 0);
    for _ in 0..runs {
        let ran = beside_hogs(&run);
        *codes.entry(ran.code()).or_default() += 1;
        if !is_right(&ran) {
            wrong += 1;
            println!("{name}, exit code {}: {}", ran.code(), ran.in_words());
        }
    }
    let codes: Vec<_> = codes.iter().map(|(code, count)| format!("{code}: {count}")).collect();
    println!("{name:24} {runs:4} runs  {wrong:3} wrong  exit codes {}", codes.join(", "));
    assert_eq!(wrong, 0, "{name}");
}

fn is_innocent(ran: &Ran) -> bool {
    [0, INCONCLUSIVE].contains(&ran.code())
}

/// By the verdict: one that had to be killed ends with that signal's exit code, and is judged all the same. It may be that the
/// machine kept the one from blocking the other for long: that is told then.
#[track_caller]
fn is_guilty(name: &'static str, run: impl Fn() -> Ran) {
    let named = |ran: &Ran| {
        let report = ran.report();
        let paused = || report.findings.iter().any(|finding| finding.rule == Rule::HostPause);
        match report.verdict {
            Verdict::Breach => Expected::of(name).is_named(report),
            Verdict::Inconclusive => Expected::of(name).is_named(report) || paused(),
            _ => false,
        }
    };
    every_time(name, run, named);
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn healthy() {
    every_time("healthy", || run("healthy"), is_innocent);
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn the_fixed_routes() {
    every_time("fixed routes", serve, is_innocent);
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn blocking_sleep() {
    is_guilty("blocking_sleep", || run("blocking_sleep"));
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn cpu_bound_poll() {
    is_guilty("cpu_bound_poll", || run("cpu_bound_poll"));
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn std_mutex_contended() {
    is_guilty("std_mutex_contended", || run("std_mutex_contended"));
}

#[test]
#[ignore = "takes minutes; .ci/run has each run once"]
fn deadlock() {
    is_guilty("deadlock", || {
        let example = Example::start("deadlock");
        example.kill(example.until_stalls(2));
        example.wait()
    });
}

/// The reference server under a load of its fixed routes.
fn serve() -> Ran {
    // To write its last lines takes longer here than a server may usually take to end.
    let serve = ["serve", "--addr", "127.0.0.1:0", "--exit-with-stdin", "--drain", "60s"];
    let mut server = Example::stallscope("healthy", &serve);
    let mut says = BufReader::new(server.stdout()).lines();
    let first = says.next().expect("it says where it listens").expect("text");
    let address = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {first}"));
    let urls = FIXED.map(|route| format!("{address}/fixed/{route}?ms=30"));
    let load =
        Command::new(built("stallscope")).arg("load").args(LOAD).args(urls).stdout(Stdio::null()).status();
    assert!(load.expect("the load runs").success(), "the load failed");
    server.close_stdin();
    // What the report says is in a file as well.
    let _text = says.count();
    server.wait()
}
