//! What is judged, and what is said of it.

use crate::bench::{Bench, blocked, end, header, healthy, snapshot, stall};
use serde_json::Value;
use stallscope_wire::{Cause, Failure, How, Line, Lost, Phase};
use std::fs;

#[test]
fn a_healthy_program_exits_0() {
    let bench = Bench::new().log("log", &healthy());
    let ran = bench.program("log", "echo hello", &[]).exits(0).says("✓ stall.max < 100ms").says("no finding");
    assert!(ran.out().starts_with("hello\n"), "the command's own stdout comes first");
    assert_eq!(ran.err(), "");
}

#[test]
fn a_failure_that_nobody_saw_exits_99_with_what_it_said() {
    let failure = Line::Failure(Failure {
        task: 3,
        spawned_at: "src/mail.rs:51:13".into(),
        message: "no mail server".into(),
        how: How::Error,
        ..Failure::default()
    });
    let bench = Bench::new().log("log", &[header(), snapshot(), failure, end()]);
    let ran = bench.program("log", "true", &[]).exits(99).says("✗ detached-panic.count == 0");
    let ran = ran.says("src/mail.rs:51 failed in a task, and nobody saw it [error detached-panic]");
    ran.says("  error: no mail server").says("help: at src/mail.rs:51, handle the failure");
}

#[test]
fn a_stall_exits_99_and_is_named() {
    let bench = Bench::new().log("log", &blocked());
    let ran = bench.program("log", "true", &[]).exits(99);
    let ran = ran.says("✗ stall.max < 100ms          312ms  src/report.rs:42");
    ran.says("src/report.rs:42 blocked a worker once, for 312ms")
        .says("breach: stall.max < 100ms (312ms) (exit code 99)");
}

#[test]
fn json_on_stdout_is_one_document() {
    let bench = Bench::new().log("log", &blocked());
    let ran = bench.program("log", "echo noise", &["--format", "json"]).exits(99);
    let json = ran.json();
    assert_eq!(json["findings"][0]["culprit"]["file"], "src/report.rs");
    assert_eq!(json["findings"][0]["culprit"]["line"], 42);
    assert_eq!(json["command"][0], "sh");
    assert!(ran.err().contains("noise"), "the command's stdout went to stderr");
}

#[test]
fn json_in_a_file_leaves_text_on_stdout() {
    let bench = Bench::new().log("log", &blocked());
    for options in [["--format", "json", "-o", "r.json"], ["-o", "r.json", "--format", "json"]] {
        bench.program("log", "true", &options).exits(99).says("verdict: breach");
        let json: Value =
            serde_json::from_slice(&fs::read(bench.path("r.json")).expect("a file")).expect("json");
        assert_eq!(json["verdict"], "breach");
        fs::remove_file(bench.path("r.json")).expect("it was there");
    }
}

#[test]
fn a_file_without_a_format_has_that_of_its_name() {
    let bench = Bench::new().log("log", &blocked());
    let options = ["-o", "r.json", "-o", "r.md", "--format", "text", "-o", "r.html"];
    bench.program("log", "true", &options).exits(99).says("verdict: breach");
    let written = |name: &str| fs::read_to_string(bench.path(name)).expect("a file");
    assert!(written("r.json").starts_with('{'));
    assert!(written("r.md").starts_with("### "), "the format belongs to the file that follows it");
    assert!(written("r.html").contains("verdict: breach"), "a format that is given holds");
}

#[test]
fn a_dash_is_stdout() {
    let bench = Bench::new().log("log", &blocked());
    for options in [&["--format", "json", "-o", "-"][..], &["-o", "-", "--format", "json", "-o", "r.md"]] {
        let ran = bench.program("log", "echo noise", options).exits(99);
        if let [_, _, "-o", "-"] = options {
            assert_eq!(ran.json()["verdict"], "breach");
        }
        ran.says("verdict");
        assert!(!bench.path("-").exists(), "{options:?}");
    }
    bench.check(&["-o", "-", "--format", "json", "--log", "log"]).exits(99).json();
    bench.check(&["-o", "-", "-o", "-", "--log", "log"]).exits(2).says("only one format can go to stdout");
}

#[test]
fn what_was_lost_is_not_everything() {
    let lost = Line::Lost(Lost { events: 1, lines: 2, ..Lost::default() });
    let bench = Bench::new().log("log", &[header(), snapshot(), lost, end()]);
    let ran =
        bench.program("log", "true", &[]).says("; not everything was seen").says("lost: 1 report, 2 lines");
    assert!(!ran.out().contains("; everything was seen"));
}

#[test]
fn a_deadlock_that_is_killed_is_ongoing() {
    let bench = Bench::new().log("log", &[header(), snapshot(), stall(Phase::Progress, 3200, Cause::Lock)]);
    let ran = bench.program("log", "kill -TERM $$", &["--format", "json"]).exits(143);
    let json = ran.json();
    assert_eq!(json["findings"][0]["ongoing"], true);
    assert_eq!(json["findings"][0]["culprit"]["line"], 42);
    assert_eq!(json["processes"][0]["complete"], false);
}

#[test]
fn an_incomplete_log_exits_98_unless_allowed() {
    let mut text: Vec<u8> = healthy().iter().flat_map(Line::encode).collect();
    text.truncate(text.len() - 5);
    let bench = Bench::new().file("cut", &text).log("killed", &[header(), snapshot()]);
    let bench = bench.file("begun", &header().encode()[..40]);
    bench.check(&["--log", "begun"]).exits(98).says("begun: the log is cut within its header");
    bench.program("begun", "true", &[]).exits(98).says("the log is cut within its header");
    bench.program("cut", "true", &[]).exits(98).says("its log is cut");
    bench.program("killed", "true", &[]).exits(98).says("it still runs, or was killed");
    let accepted = bench.program("cut", "true", &["--allow-incomplete"]).exits(0).says("its log is cut");
    accepted.says("not everything was seen");
    bench.check(&["--log", "cut"]).exits(98).says("its log is cut");
}

#[test]
fn only_the_host_s_delay_exits_97() {
    let bench = Bench::new().log("log", &[header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()]);
    bench
        .program("log", "true", &[])
        .exits(97)
        .says("only the host's own delays")
        .says("? stall.max < 100ms");
}

#[test]
fn what_is_not_measured_exits_98() {
    let bench = Bench::new().log("log", &healthy());
    let ran = bench.program("log", "true", &["--fail-on", "handler.p95 < 1s"]).exits(98);
    ran.says("? handler.p95 < 1s  not measured");
}

#[test]
fn the_last_line_names_what_was_not_accepted() {
    let bench = Bench::new().log("killed", &[header(), snapshot()]);
    let options = ["--allow-incomplete", "--fail-on", "handler.p95 < 1s"];
    let ran = bench.program("killed", "true", &options).exits(98).says("note: process 7 (/app) did not end");
    ran.says("stallscope: incomplete: no request was seen");
    let ran = bench.program("killed", "true", &[]).exits(98);
    ran.says("stallscope: incomplete: process 7 (/app) did not end in order");
}

#[test]
fn a_count_says_that_another_limit_widens_it() {
    let bench = Bench::new().log("log", &healthy());
    let both = ["--fail-on", "stall.max < 20ms", "--fail-on", "stall.count == 0"];
    let ran = bench.program("log", "true", &both).exits(0);
    ran.says("note: stall.count == 0 is of stalls from 20ms on, because of stall.max < 20ms");
    let ran = bench.program("log", "true", &both[2..]).exits(0);
    assert!(!ran.out().contains("note:"), "{}", ran.out());
}
