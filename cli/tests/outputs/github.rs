//! What is told where GitHub Actions runs it.

use crate::bench::{Bench, Ran, end, header, healthy, snapshot, stall};
use crate::story::{blocked_in, repository};
use stallscope_wire::{Cause, Failure, How, Line, Phase};
use std::fs;

fn on_github(bench: &Bench, arguments: &[&str]) -> Ran {
    let mut command = bench.command(arguments);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", bench.path("summary.md"));
    Ran(command.output().expect("the binary runs"))
}

fn annotations(ran: &Ran) -> Vec<String> {
    ran.err().lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
}

#[test]
fn each_line_to_open_is_annotated_from_the_repository_s_root() {
    let bench = repository();
    let log = blocked_in(&bench, &[42]);
    let bench = bench.log("log", &log).file("summary.md", b"before\n");
    let ran = on_github(&bench, &["--format", "json", "--log", "log"]).exits(99);
    let told = annotations(&ran);
    assert_eq!(told.len(), 1, "{told:#?}");
    let begins = "::error file=shop/src/report.rs,line=42,title=Stallscope%3A blocking-poll::src/report.rs:42 blocked a worker once";
    assert!(told[0].starts_with(begins), "{}", told[0]);
    assert!(told[0].contains("%0Aawait tokio::time::sleep"), "its help is a line of it: {}", told[0]);
    assert_eq!(ran.json()["verdict"], "breach", "stdout is the report's alone");
    let summary = fs::read_to_string(bench.path("summary.md")).expect("a summary");
    assert!(summary.starts_with("before\n### ❌ Stallscope: breach\n"), "{summary}");
}

#[test]
fn ten_are_shown_and_the_summary_tells_how_many_more_there_are() {
    let bench = repository();
    let log = blocked_in(&bench, &(1..=13).map(|line| line * 3).collect::<Vec<_>>());
    let bench = bench.log("log", &log);
    let told = annotations(&on_github(&bench, &["--log", "log"]).exits(99));
    assert_eq!(told.len(), 10, "{told:#?}");
    assert!(told[0].contains("line=39,"), "the worst comes first: {}", told[0]);
    let summary = fs::read_to_string(bench.path("summary.md")).expect("a summary");
    assert!(summary.contains("\n10 annotations are shown, 3 more are not.\n"), "{summary}");
}

#[test]
fn what_a_program_says_is_no_command() {
    let failure = Line::Failure(Failure {
        task: 3,
        spawned_at: "a,b:c%.rs:51:13".into(),
        message: "100%\r\n::stop-commands::x".into(),
        how: How::Error,
        ..Failure::default()
    });
    let bench = Bench::new().log("log", &[header(), snapshot(), failure, end()]);
    let told = annotations(&on_github(&bench, &["--log", "log"]).exits(99));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("::error file=a%2Cb%3Ac%25.rs,line=51,title="), "{}", told[0]);
    assert!(told[0].contains("100%25"), "{}", told[0]);
}

#[test]
fn a_run_that_proves_nothing_says_why() {
    let host = [header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()];
    let bench = Bench::new().log("killed", &[header(), snapshot()]).log("host", &host);
    let told = annotations(&on_github(&bench, &["--log", "killed"]).exits(98));
    assert!(
        told[0].starts_with("::error title=Stallscope%3A incomplete::process 7 (/app) did not end"),
        "{told:?}"
    );
    let told = annotations(&on_github(&bench, &["--log", "host"]).exits(97));
    assert!(
        told[0].starts_with("::warning title=Stallscope%3A inconclusive::stall.max < 100ms: "),
        "{told:?}"
    );
}

#[test]
fn a_threshold_that_no_finding_explains_is_annotated() {
    let bench = Bench::new().log("log", &healthy());
    let told = annotations(&on_github(&bench, &["--fail-on", "poll.max < 5us", "--log", "log"]).exits(99));
    assert_eq!(told, ["::error title=Stallscope%3A breach::poll.max < 5us does not hold: 10us"]);
}

#[test]
fn a_healthy_run_has_a_summary_and_no_annotation() {
    let bench = Bench::new().log("log", &healthy());
    assert_eq!(on_github(&bench, &["--log", "log"]).exits(0).err(), "");
    assert!(fs::read_to_string(bench.path("summary.md")).expect("a summary").starts_with("### ✅"));
}

#[test]
fn it_can_be_told_not_to_and_to() {
    let bench = repository();
    let log = blocked_in(&bench, &[42]);
    let bench = bench.log("log", &log);
    assert_eq!(annotations(&on_github(&bench, &["--ci", "none", "--log", "log"]).exits(99)), [""; 0]);
    assert!(!bench.path("summary.md").exists());
    assert_eq!(annotations(&bench.check(&["--log", "log"]).exits(99)), [""; 0]);
    assert_eq!(annotations(&bench.check(&["--ci", "github", "--log", "log"]).exits(99)).len(), 1);
    let ran = bench.check(&["--format", "github", "--log", "log"]).exits(99);
    assert!(ran.out().starts_with("::error file=shop/src/report.rs,line=42,"), "{}", ran.out());
}

#[test]
fn a_summary_that_cannot_be_written_is_told_and_changes_no_exit_code() {
    let bench = Bench::new().log("log", &healthy());
    for path in ["/dev/full", "no/such/folder/summary.md"] {
        let mut command = bench.command(&["--log", "log"]);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", path);
        let ran = Ran(command.output().expect("the binary runs")).exits(0);
        ran.says(&format!("stallscope: cannot write the step's summary to {path}: "));
    }
}
