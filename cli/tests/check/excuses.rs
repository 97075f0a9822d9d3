//! What is excused passes, is told all the same, and does not rot unseen.

use crate::bench::{Bench, MS, blocked, end, header, healthy, snapshot, stall};
use stallscope_wire::{Allowed, Cause, Line, Phase, Stall};
use std::fs;

const EXCUSE: &str = "[[allow]]\nframe = \"src/report.rs:42\"\nreason = \"it is old\"\n";

/// A stall of which the code allows itself a part.
fn allowed(allowed_ms: u64) -> Vec<Line> {
    let Line::Stall(whole) = stall(Phase::End, 312, Cause::Syscall) else { panic!("it is one") };
    let allowed =
        Allowed { ns: allowed_ms * MS, reason: "once".into(), at: "src/main.rs:9:5".into(), ongoing: false };
    let part = Stall { attributable_ns: (312 - allowed_ms) * MS, allowed: Some(allowed), ..whole };
    vec![header(), snapshot(), Line::Stall(part), end()]
}

/// A process with a stall of another line.
fn blocked_elsewhere() -> Vec<Line> {
    let Line::Stall(mut other) = stall(Phase::End, 200, Cause::Cpu) else { panic!("it is one") };
    let frames = other.stack.iter_mut().flat_map(|stack| &mut stack.frames);
    frames.for_each(|frame| frame.file = Some("src/new.rs".into()));
    vec![header(), snapshot(), Line::Stall(other), end()]
}

#[test]
fn what_the_file_excuses_passes_and_is_listed_with_the_reason() {
    let bench = Bench::new().log("log", &blocked()).file("stallscope.toml", EXCUSE.as_bytes());
    let ran = bench.check(&["--log", "log"]).exits(0).says("✓ stall.max < 100ms");
    let ran = ran.says("allowed at stallscope.toml:1: it is old").says("[info blocking-poll]");
    let row = "src/report.rs:42  once, 312ms  stallscope.toml:1  used  it is old";
    let out = ran.out().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains(&row.split_whitespace().collect::<Vec<_>>().join(" ")), "{}", ran.out());
    let json = bench.check(&["--format", "json", "--log", "log"]).exits(0).json();
    assert_eq!(json["findings"][0]["allowed_by"], "it is old");
    let allowance = &json["allowances"][0];
    assert_eq!((&allowance["state"], &allowance["by"]), (&"used".into(), &"file".into()), "{allowance}");
    for format in ["markdown", "html"] {
        bench.check(&["--format", format, "--log", "log"]).exits(0).says("it is old");
    }
}

#[test]
fn what_the_code_allows_itself_passes_and_the_rest_does_not() {
    let bench = Bench::new().log("whole", &allowed(300)).log("part", &allowed(150));
    bench.check(&["--log", "whole"]).exits(0).says("allowed at src/main.rs:9: once").says("verdict: pass");
    let ran = bench.check(&["--log", "part"]).exits(99).says("✗ stall.max < 100ms");
    ran.says("162ms").says("another 150ms of the longest are allowed at src/main.rs:9: once");
}

#[test]
fn what_is_not_needed_or_has_expired_says_so_and_fails_where_that_is_denied() {
    let bench = Bench::new()
        .log("good", &healthy())
        .log("bad", &blocked())
        .file("stallscope.toml", EXCUSE.as_bytes());
    let unused = "note: stallscope.toml:1: the excuse for src/report.rs:42 was not needed this time: remove it if that is gone";
    bench.check(&["--log", "good"]).exits(0).says(unused);
    bench
        .check(&["--deny-stale", "--log", "good"])
        .exits(99)
        .says("✗ no stale excuse")
        .says("stallscope: breach: no stale excuse (1 unused) (exit code 99)");
    bench.check(&["--deny-stale", "--log", "bad"]).exits(0);
    let bench = bench.file("stallscope.toml", format!("{EXCUSE}until = 2020-02-29\n").as_bytes());
    bench.check(&["--log", "bad"]).exits(99).says(
        "note: stallscope.toml:1: the excuse for src/report.rs:42 ended with 2020-02-29; what it was about is still there \
         (once, 312ms): mend that, or set another day",
    );
    bench.check(&["--deny-stale", "--log", "good"]).exits(99).says("no stale excuse (1 expired)");
}

#[test]
fn that_an_excuse_was_not_needed_is_not_told_of_what_was_not_seen() {
    let bench =
        Bench::new().log("killed", &[header(), snapshot()]).file("stallscope.toml", EXCUSE.as_bytes());
    bench.check(&["--deny-stale", "--", "true"]).exits(98).says("nothing instrumented ran");
    bench.check(&["--deny-stale", "--log", "killed"]).exits(98).says("not everything was seen");
}

#[test]
fn a_mistake_in_an_excuse_is_shown_where_it_stands() {
    let bench = Bench::new().file("stallscope.toml", format!("{EXCUSE}rule = \"blocking-pol\"\n").as_bytes());
    let ran = bench.check(&["--", "touch", "ran"]).exits(2);
    assert_eq!(
        ran.err(),
        "error: stallscope.toml:4:8: unknown rule \"blocking-pol\"; did you mean \"blocking-poll\"?\n  \
         rule = \"blocking-pol\"\n         ^^^^^^^^^^^^^^\n"
    );
    let bench = bench.file("stallscope.toml", b"[[allow]]\nframe = \"src\"\n");
    bench.check(&["--", "touch", "ran"]).exits(2).says("stallscope.toml:1:1: this excuse lacks a reason");
    assert!(!bench.path("ran").exists(), "the command was run all the same");
}

#[test]
fn a_baseline_lets_pass_what_was_known_and_only_shrinks() {
    let bench = Bench::new().log("old", &blocked()).log("new", &blocked_elsewhere()).log("good", &healthy());
    let known = || fs::read_to_string(bench.path("known.toml")).expect("it is there");
    let update = ["--baseline", "known.toml", "--update-baseline", "--log"];
    let with = |options: &[&str], log: &str| bench.check(&[options, &[log]].concat());
    bench
        .check(&["--baseline", "known.toml", "--log", "old"])
        .exits(2)
        .says("error: there is no baseline known.toml: --update-baseline writes one");
    with(&update, "old").exits(0).says("note: the baseline known.toml was written, with 1 finding");
    let first = known();
    assert!(first.contains("[[known]]\nrule = \"blocking-poll\"\nfile = \"src/report.rs\"\n"), "{first}");
    with(&update[..2], "--log=old").exits(0).says("known before");

    // What is new is not taken in, and what is gone is not kept.
    with(&update, "new")
        .exits(99)
        .says("src/new.rs:42")
        .says("the baseline known.toml has shrunk: 0 of 1 finding left");
    assert!(!known().contains("[[known]]"), "{}", known());
    with(&update, "old").exits(99);
    assert!(!known().contains("[[known]]"), "{}", known());
}

#[test]
fn a_run_that_was_not_whole_does_not_shrink_the_baseline() {
    let killed = [header(), snapshot()];
    let starved = [header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()];
    let bench = Bench::new().log("old", &blocked()).log("good", &healthy());
    let bench = bench.log("killed", &killed).log("starved", &starved);
    let options = ["--baseline", "known.toml", "--update-baseline"];
    bench.program("old", "true", &options).exits(0);
    let before = fs::read(bench.path("known.toml")).expect("it is there");
    let told = "the baseline known.toml is left as it was: the command failed, or not everything was seen";
    bench.program("good", "exit 3", &options).exits(3).says(told);
    bench.program("killed", "true", &options).exits(98).says(told);
    let accepted = [&options[..], &["--allow-incomplete"]].concat();
    bench.program("killed", "true", &accepted).exits(0).says(told);
    bench.program("starved", "true", &options).exits(97).says(told);
    assert_eq!(fs::read(bench.path("known.toml")).expect("it is there"), before);
    bench.program("good", "true", &options).exits(0).says("has shrunk");
}

#[test]
fn a_run_that_was_not_whole_begins_no_baseline_and_nothing_is_known_of_it() {
    let bench = Bench::new().log("bad", &blocked());
    let options = ["--baseline", "known.toml", "--update-baseline"];
    for (then, code) in
        [("exit 3", 3), ("cp bad $STALLSCOPE_LOG/8-1.jsonl; truncate -s -4 $STALLSCOPE_LOG/8-1.jsonl", 99)]
    {
        let ran = bench.program("bad", then, &options).exits(code).says("✗ stall.max < 100ms");
        let ran = ran
            .says("the baseline known.toml was not written: the command failed, or not everything was seen");
        assert!(!ran.out().contains("known before"), "{}", ran.out());
        assert!(!bench.path("known.toml").exists());
    }
}

#[test]
fn what_a_baseline_knows_does_not_grow_unseen() {
    let bench = Bench::new().log("old", &blocked());
    let bench = bench.log("worse", &[header(), snapshot(), stall(Phase::End, 6000, Cause::Syscall), end()]);
    let options = ["--baseline", "known.toml", "--update-baseline"];
    bench.program("old", "true", &options).exits(0);
    let known = fs::read_to_string(bench.path("known.toml")).expect("it is there");
    assert!(known.contains("max = \"312ms\"\n"), "{known}");
    let ran = bench.program("worse", "true", &options).exits(99).says("exceeded");
    ran.says(
        "note: known.toml: blocking-poll at src/report.rs is more than it knows: 6s, and at most 312ms known",
    );
    assert_eq!(fs::read_to_string(bench.path("known.toml")).expect("it is there"), known);
    let wrong =
        Bench::new().file("known.toml", b"version = 1\n[[known]]\nrule = \"blocking-poll\"\nmax = \"5\"\n");
    wrong
        .check(&["--baseline", "known.toml", "--", "true"])
        .exits(2)
        .says("known.toml:4:7: the duration \"5\" has no unit");
}

#[test]
fn a_baseline_that_cannot_be_written_hides_no_breach() {
    let bench = Bench::new().log("old", &blocked()).log("new", &blocked_elsewhere());
    let options = ["--baseline", "known.toml", "--update-baseline"];
    bench.program("old", "true", &options).exits(0);
    let ran = bench.program("new", "rm known.toml; mkdir known.toml", &options).exits(99);
    ran.says("error: cannot write the baseline known.toml").says("src/new.rs:42");
}

#[test]
fn a_baseline_that_is_none_is_refused_with_the_place() {
    let bench = Bench::new().file("known.toml", b"version = 1\n[[known]]\nrule = \"blocking\"\n");
    let ran = bench.check(&["--baseline", "known.toml", "--", "touch", "ran"]).exits(2);
    let ran = ran.says("error: known.toml:3:8: unknown rule \"blocking\"; ");
    assert!(ran.err().contains("\n  rule = \"blocking\"\n"), "{}", ran.err());
    bench.check(&["--update-baseline", "--", "touch", "ran"]).exits(2).says("--baseline");
    assert!(!bench.path("ran").exists(), "the command was run all the same");
}
