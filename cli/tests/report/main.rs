//! `stallscope report` as a user runs it, over made-up logs.

#[expect(dead_code, reason = "the tests of check use the rest")]
#[path = "../check/bench.rs"]
mod bench;

use bench::{Bench, Ran, blocked, end, header, healthy, snapshot, stall};
use serde_json::Value;
use stallscope_wire::{Cause, Header, Line, Phase, Stall};
use std::fs::{self, File};
use std::process::Stdio;

fn report(bench: &Bench, arguments: &[&str]) -> Ran {
    Ran(bench.stallscope("report", arguments).output().expect("the binary runs"))
}

/// Two processes that were blocked, for 900 ms that their code answers for together.
fn two() -> Bench {
    let Line::Header(header) = header() else { unreachable!() };
    let other = Line::Header(Header { pid: 8, exe: "/other".into(), ..header });
    let Line::Stall(stalled) = stall(Phase::End, 700, Cause::Syscall) else { unreachable!() };
    let half = Line::Stall(Stall { attributable_ns: 588_000_000, ..stalled });
    Bench::new().log("logs.jsonl", &blocked()).log("other.jsonl", &[other, snapshot(), half, end()])
}

#[test]
fn text_is_for_whoever_says_nothing() {
    let ran = report(&two(), &["logs.jsonl"]).exits(0).says("✗ stall.max < 100ms");
    let ran = ran.says("src/report.rs:42 blocked a worker once, for 312ms").says("verdict: breach");
    ran.says("time  count   p50   p90   p99   max\npoll   1000  10us  10us  10us  10us\n");
}

#[test]
fn several_logs_are_one_report() {
    let bench = two();
    for targets in [&["logs.jsonl", "other.jsonl"][..], &["."]] {
        report(&bench, targets)
            .exits(0)
            .says("seen: 2 processes")
            .says("blocked a worker 2 times, at most 700ms");
    }
}

#[test]
fn a_log_may_come_on_stdin() {
    let bench = two();
    let log = File::open(bench.path("other.jsonl")).expect("a log");
    let mut command = bench.stallscope("report", &["logs.jsonl", "-"]);
    let ran = Ran(command.stdin(Stdio::from(log)).output().expect("the binary runs"));
    ran.exits(0).says("seen: 2 processes");
    let mut command = bench.stallscope("report", &["-"]);
    let ran = Ran(command.stdin(Stdio::null()).output().expect("the binary runs"));
    ran.exits(98).says("stdin: nothing was written yet");
}

#[test]
fn each_form_is_written_to_the_file_that_names_it() {
    let bench = two();
    let names = ["r.txt", "r.json", "r.md", "r.folded", "r.svg", "r.trace.json", "r.hgrm", "r.html"];
    let outputs: Vec<_> = names.iter().flat_map(|&name| ["-o", name]).collect();
    let ran = report(&bench, &[&["."], &outputs[..]].concat()).exits(0);
    assert_eq!((ran.out(), ran.err()), (String::new(), String::new()), "nothing else is asked for");
    let text = |name: &str| fs::read_to_string(bench.path(name)).expect("a file");
    assert!(text("r.txt").contains("verdict: breach"));
    assert!(text("r.md").starts_with("### ❌ Stallscope: breach"));
    assert!(text("r.hgrm").starts_with("# poll, in milliseconds\n       Value     Percentile"));
    assert!(text("r.html").starts_with("<!DOCTYPE html>"));
    let document = |name: &str| serde_json::from_str::<Value>(&text(name)).expect("JSON");
    assert_eq!(document("r.json")["histograms"]["figures"]["poll"]["count"], 2000);
    assert!(document("r.trace.json")["traceEvents"].as_array().is_some_and(|events| !events.is_empty()));

    let folded = text("r.folded");
    let weights = folded.lines().filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    assert_eq!(weights.sum::<u64>(), 900_000_000, "{folded}");
    assert!(text("r.svg").contains("total_samples=\"900000000\""));
    let left = fs::read_dir(bench.path("")).expect("a folder").count();
    assert_eq!(left, names.len() + 2, "drafts are gone");
}

#[test]
fn one_distribution_can_be_asked_for() {
    let bench = two();
    let ran = report(&bench, &["logs.jsonl", "--format", "histogram", "--histogram", "poll"]).exits(0);
    assert_eq!(ran.out().matches("Percentile TotalCount").count(), 1);
    let ran = report(&bench, &["logs.jsonl", "--format", "histogram", "--histogram", "GET /"]).exits(2);
    ran.says("--histogram \"GET /\": nothing of that name was measured; there is \"poll\"");
}

#[test]
fn a_healthy_process_has_a_report_in_every_form() {
    let bench = Bench::new().log("log", &healthy());
    for (format, said) in [
        ("text", "no finding"),
        ("json", "\"verdict\": \"pass\""),
        ("markdown", "No finding."),
        ("svg", "nothing blocked the event loop"),
        ("chrome-trace", "\"process_name\""),
        ("histogram", "poll, in milliseconds"),
        ("html", "No finding."),
    ] {
        report(&bench, &["log", "--format", format]).exits(0).says(said);
    }
    assert_eq!(report(&bench, &["log", "--format", "folded"]).exits(0).out(), "");
}

#[test]
fn all_frames_are_told_when_they_are_asked_for() {
    let Line::Stall(mut stalled) = stall(Phase::End, 312, Cause::Syscall) else { unreachable!() };
    let mut stack = stalled.stack.take().expect("it has one");
    let other = stallscope_wire::Frame { function: Some("tower::poll".into()), ..Default::default() };
    stack.frames.extend(vec![other; 20]);
    let lines = [header(), snapshot(), Line::Stall(Stall { stack: Some(stack), ..stalled }), end()];
    let bench = Bench::new().log("log", &lines);
    let short = report(&bench, &["log"]).exits(0).says("… 20 more frames");
    assert!(!short.out().contains("tower::poll"));
    let full = report(&bench, &["log", "--full-stacks"]).exits(0);
    assert_eq!(full.out().matches("tower::poll").count(), 20);
}

#[test]
fn what_is_no_target_is_told() {
    let bench = two().file("binary", b"\x7fELF").file("empty", b"");
    for (arguments, code, said) in [
        (&["missing.jsonl"][..], 2, "there is no missing.jsonl"),
        (&["4294967"], 2, "no process has the pid 4294967"),
        (&["binary"], 2, "binary: this is no Stallscope event log"),
        (&["empty"], 98, "empty: nothing was written yet"),
        (&["logs.jsonl", "-o", "no/such/r.json"], 2, "cannot write the report to no/such/r.json"),
        (&[], 2, "required"),
    ] {
        report(&bench, arguments).exits(code).says(said);
    }
    report(&bench, &["logs.jsonl", "empty"]).exits(0).says("note: empty: nothing was written yet");
}
