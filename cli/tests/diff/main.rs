//! `stallscope diff` as a user runs it, over made-up runs.

#[expect(dead_code, reason = "the tests of check use the rest")]
#[path = "../check/bench.rs"]
mod bench;

use bench::{Bench, MS, Ran, end, header, healthy, snapshot, stall};
use stallscope_wire::{Cause, Handler, Handlers, Histogram, Line, Phase, Stall};
use std::fs;

/// A minute of a server whose requests all take about so long, and that was blocked so often.
fn run(request_ms: u64, stalls: u64) -> Vec<Line> {
    let buckets = (0..5).map(|step| ((request_ms * 10 + step) * MS / 10, 1000)).collect();
    let latency = Histogram { buckets, max_ns: (request_ms + 1) * MS, sum_ns: 0 };
    let handler = Handler { route: "GET /users/{id}".into(), latency, ..Handler::default() };
    let handlers = Handlers { at_ns: 60_000 * MS, handlers: vec![handler], ..Handlers::default() };
    let Line::Stall(stalled) = stall(Phase::End, 200, Cause::Syscall) else { unreachable!() };
    let stalls = (0..stalls).map(|id| Line::Stall(Stall { id, ..stalled.clone() }));
    [header(), snapshot(), Line::Handler(handlers)].into_iter().chain(stalls).chain([end()]).collect()
}

fn bench() -> Bench {
    Bench::new()
        .log("base.jsonl", &run(20, 0))
        .log("same.jsonl", &run(20, 0))
        .log("slower.jsonl", &run(60, 0))
        .log("blocked.jsonl", &run(20, 40))
}

fn diff(bench: &Bench, arguments: &[&str]) -> Ran {
    Ran(bench.stallscope("diff", arguments).output().expect("the binary runs"))
}

#[test]
fn a_route_that_got_slower_exits_99() {
    let ran = diff(&bench(), &["base.jsonl", "slower.jsonl"]).exits(99);
    let ran = ran.says("✗ regression  GET /users/{id}  p50").says("20.2ms").says("60.2ms").says("+198%");
    let ran = ran.says("verdict: regression, with 95% confidence");
    assert!(!ran.out().contains("\u{1b}"), "no colour without a terminal");
}

#[test]
fn a_line_that_blocks_much_more_exits_99_and_is_named() {
    let ran = diff(&bench(), &["base.jsonl", "blocked.jsonl"]).exits(99);
    ran.says("src/report.rs:42  blocked a minute").says("1 run against 1 of BASE");
}

#[test]
fn the_same_is_no_regression() {
    let ran = diff(&bench(), &["base.jsonl", "same.jsonl"]).exits(0).says("verdict: no regression");
    assert!(!ran.out().contains("GET /users"), "what is the same is not listed: {}", ran.out());
    diff(&bench(), &["base.jsonl", "same.jsonl", "--all"]).exits(0).says("= same        GET /users/{id}");
    diff(&bench(), &["slower.jsonl", "base.jsonl"]).exits(0).says("✓ improvement  GET /users/{id}");
}

#[test]
fn a_report_is_compared_as_its_log_is() {
    let bench = bench();
    for run in ["base", "slower"] {
        let arguments = [&format!("{run}.jsonl"), "-o", &format!("{run}.json")];
        let ran = Ran(bench.stallscope("report", &arguments).output().expect("the binary runs"));
        ran.exits(0);
    }
    diff(&bench, &["base.json", "slower.json"]).exits(99).says("✗ regression  GET /users/{id}  p99");
    diff(&bench, &["base.json", "slower.jsonl"]).exits(99);
}

#[test]
fn a_folder_is_as_many_runs_as_it_has_files() {
    let bench = bench();
    for (folder, log) in [("b", "base"), ("n", "slower")] {
        fs::create_dir(bench.path(folder)).expect("a folder");
        for run in 0..4 {
            let to = bench.path(folder).join(format!("{run}.jsonl"));
            fs::copy(bench.path(&format!("{log}.jsonl")), to).expect("a copy");
        }
    }
    diff(&bench, &["--base", "b", "--new", "n"]).exits(99).says("4 runs against 4 of BASE");
    diff(&bench, &["--base", "b", "base.jsonl", "--new", "same.jsonl"])
        .exits(0)
        .says("1 run against 5 of BASE");
}

#[test]
fn the_limits_are_the_users() {
    let arguments = ["base.jsonl", "slower.jsonl", "--min-change"];
    diff(&bench(), &[&arguments[..], &["300%"]].concat()).exits(0).says("no regression");
    diff(&bench(), &[&arguments[..2], &["--min-time", "1s"]].concat()).exits(0).says("no regression");
    diff(&bench(), &[&arguments[..], &["lots"]].concat()).exits(2).says("write it like 10%");
    diff(&bench(), &[&arguments[..2], &["--confidence", "100%"]].concat()).exits(2).says("less than 100%");
}

#[test]
fn machines_and_pull_requests_have_forms_of_their_own() {
    let json = diff(&bench(), &["base.jsonl", "slower.jsonl", "--format", "json"]).exits(99).json();
    assert_eq!((&json["verdict"], &json["exit_code"]), (&"regression".into(), &99.into()));
    let worst = &json["changes"][0];
    assert_eq!(worst["subject"]["name"], "GET /users/{id}");
    assert_eq!((&worst["outlook"], &worst["subject"]["kind"]), (&"regression".into(), &"route".into()));
    let ran = diff(&bench(), &["base.jsonl", "slower.jsonl", "--format", "markdown"]).exits(99);
    assert!(ran.out().starts_with("### ❌ Stallscope diff: regression"), "{}", ran.out());
    ran.says("| ✗ regression | `GET /users/{id}` | p50 | 20.2ms | 60.2ms |");
}

#[test]
fn colour_is_never_the_only_sign() {
    let ran = diff(&bench(), &["base.jsonl", "slower.jsonl", "--color", "always"]).exits(99);
    ran.says("\u{1b}[1;31m✗ regression");
}

#[test]
fn too_little_exits_98() {
    let short = Bench::new().log("a", &[header(), end()]).log("b", &[header(), end()]).file("empty", b"");
    diff(&short, &["a", "b"]).exits(98).says("too little was seen to compare anything");
    diff(&short, &["a", "empty"]).exits(98).says("empty: nothing was written yet");
}

#[test]
fn what_is_new_and_seldom_is_said_to_be_so() {
    let bench = bench().log("once.jsonl", &run(20, 1));
    let ran = diff(&bench, &["base.jsonl", "once.jsonl"]).exits(0).says("+ new").says("1 new");
    ran.says("verdict: no regression that is certain; what is new may be chance");
    let once = |ms| [header(), stall(Phase::End, ms, Cause::Syscall), end()];
    let short = Bench::new().log("a", &[header(), end()]).log("b", &once(200));
    diff(&short, &["a", "b"])
        .exits(98)
        .says("+ new")
        .says("too little was seen to tell: what is new may be chance");
}

#[test]
fn what_a_file_excuses_is_compared_all_the_same() {
    let excuse = b"[[allow]]\nframe = \"src/report.rs\"\nreason = \"it is old\"\n";
    let bench = bench().file("excuse.toml", excuse);
    let check = |log: &str, report: &str, options: &[&str]| {
        let arguments = [options, &["--log", log, "-o", report]].concat();
        Ran(bench.command(&arguments).output().expect("the binary runs"))
    };
    check("blocked.jsonl", "plain.json", &[]).exits(99);
    check("blocked.jsonl", "excused.json", &["--config", "excuse.toml"]).exits(0);
    check("base.jsonl", "before.json", &["--config", "excuse.toml"]).exits(0);
    for [base, new] in
        [["plain.json", "excused.json"], ["excused.json", "plain.json"], ["excused.json", "blocked.jsonl"]]
    {
        let ran = diff(&bench, &[base, new]).exits(0);
        assert!(!ran.out().contains("src/report.rs"), "{}", ran.out());
    }
    diff(&bench, &["before.json", "excused.json"]).exits(99).says("✗ regression  src/report.rs:42");
}

#[test]
fn bad_input_exits_2_and_names_the_file() {
    let bench = bench()
        .log("log", &healthy())
        .file("cut.json", b"{\"stallscope\":1,\"findings\":[")
        .file("other.json", b"{\"name\":\"app\"}")
        .file("later.json", b"{\"stallscope\":2,\"findings\":[],\"histograms\":{}}")
        .file("odd.json", b"{\"stallscope\":1,\"findings\":[],\"histograms\":{\"poll\":\"x\"}}")
        .file("text", b"hello\n")
        .file("page.html", b"<html>");
    fs::create_dir(bench.path("nothing")).expect("a folder");
    for (file, said) in [
        ("missing.json", "cannot open missing.json"),
        ("cut.json", "cut.json is no report: EOF"),
        ("other.json", "other.json is no report: it has no findings"),
        ("later.json", "later.json is no report: its version is 2"),
        ("odd.json", "odd.json: the durations of the process are no HdrHistogram"),
        ("text", "text is neither a report (check or report --format json) nor an event log"),
        ("page.html", "page.html is neither a report"),
        ("nothing", "nothing holds neither a report (.json) nor an event log (.jsonl)"),
    ] {
        diff(&bench, &["log", file]).exits(2).says(said);
        diff(&bench, &[file, "log"]).exits(2).says(said);
    }
    diff(&bench, &["log"]).exits(2).says("NEW");
    diff(&bench, &[]).exits(2).says("--base");
    diff(&bench, &["--base", "log"]).exits(2).says("--new");
}
