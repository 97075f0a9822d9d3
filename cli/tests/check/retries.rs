//! What did not hold is measured again.

use crate::bench::{Bench, Ran, blocked, end, header, healthy, snapshot, stall};
use serde_json::json;
use stallscope_wire::{Cause, Phase};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Leaves the log `first`, then `second`, and from then on `third`; how often it was run is the length of `runs`.
const PROGRAM: &str = "echo >> runs; case $(wc -l < runs) in 1) log=first;; 2) log=second;; *) log=third;; esac; \
                       cp $log $STALLSCOPE_LOG/7-1.jsonl;";

fn runs(bench: &Bench) -> usize {
    fs::read_to_string(bench.path("runs")).expect("it ran").lines().count()
}

fn program(then: &str) -> String {
    format!("{PROGRAM} {then}")
}

#[test]
fn what_holds_in_a_retry_counts_as_held_and_says_so() {
    let bench = Bench::new().log("first", &blocked()).log("second", &healthy());
    let script = program("");
    let ran = bench.check(&["--retries", "3", "--format", "json", "--", "sh", "-c", &script]).exits(0);
    let report = ran.json();
    assert_eq!((runs(&bench), &report["verdict"]), (2, &json!("pass")));
    let outcome = &report["thresholds"][0];
    assert_eq!(outcome["ok"], true);
    assert_eq!(outcome["note"], "needed a retry: held in retry 1; measured 312ms, then no stall");
    assert_eq!(
        outcome["attempts"],
        json!([
            { "measured": "312ms", "measured_ns": 312_000_000, "ok": false },
            { "measured": "no stall", "measured_ns": 0, "ok": true },
        ])
    );
    assert_eq!(report["thresholds"][1].get("attempts"), None, "what held is not measured again");
    assert_eq!(report["processes"].as_array().map(Vec::len), Some(2), "both runs are shown");
    ran.says("stallscope: retry 1 of 3, since this did not hold: stall.max < 100ms (312ms)");
}

#[test]
fn what_never_holds_is_a_breach_with_all_values() {
    let slower = [header(), snapshot(), stall(Phase::End, 400, Cause::Syscall), end()];
    let bench = Bench::new().log("first", &blocked()).log("second", &slower).log("third", &blocked());
    let script = program("");
    let ran = bench.check(&["--retries", "2", "--", "sh", "-c", &script]).exits(99);
    let ran = ran.says("did not hold in any of 2 retries either; measured 312ms, then 400ms, then 312ms");
    ran.says("breach: stall.max < 100ms (312ms)");
    assert_eq!(runs(&bench), 3);
}

#[test]
fn what_only_the_host_breached_is_measured_again() {
    let host = [header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()];
    let bench = Bench::new().log("first", &host).log("second", &healthy());
    let script = program("");
    let ran = bench.check(&["--retries", "1", "--", "sh", "-c", &script]).exits(0);
    ran.says("held in retry 1");
}

#[test]
fn a_retry_of_which_too_little_was_seen_says_nothing() {
    let bench = Bench::new().log("first", &blocked()).log("second", &[header(), snapshot()]);
    let script = program("");
    let ran = bench.check(&["--retries", "1", "--", "sh", "-c", &script]).exits(99);
    ran.says("did not hold in a retry either")
        .says("note: in retry 1: process 7 (/app) did not end in order");
}

#[test]
fn what_is_to_be_known_of_a_retry_is_told_as_that_retry_s() {
    let cut = [header(), snapshot(), stall(Phase::End, 400, Cause::Syscall)];
    let bench = Bench::new().log("first", &blocked()).log("second", &cut).log("third", &blocked());
    let (script, excuse) = (program(""), b"[[allow]]\nframe = \"src/old.rs\"\nreason = \"it is old\"\n");
    let bench = bench.file("stallscope.toml", excuse);
    let below = ["--fail-on", "stall.max < 50ms", "--fail-on", "stall.count == 0"];
    let options = ["--retries", "2", "--allow-incomplete", "--format", "json", "--", "sh", "-c", &script];
    let ran = bench.check(&[&below[..], &options].concat()).exits(99);
    let report = ran.json();
    let notes: Vec<_> =
        report["notes"].as_array().expect("a list").iter().filter_map(|note| note.as_str()).collect();
    let of = |what: &str| notes.iter().filter(|note| note.contains(what)).collect::<Vec<_>>();
    assert_eq!(
        of("did not end in order"),
        [
            &"in retry 1: process 7 (/app) did not end in order: it still runs, or was killed, or ended before its log was finished; \
           have it end by itself, or check end it by --timeout"
        ]
    );
    // What is so in each run is told once, and so is what all runs tell together.
    assert_eq!((of("stall.count == 0 is of stalls").len(), of("was not needed").len()), (1, 1), "{notes:?}");
}

#[test]
fn what_was_found_stands_when_it_cannot_be_run_again() {
    let bench = Bench::new()
        .log("first", &blocked())
        .file("once", b"#!/bin/sh\nrm once; cp first $STALLSCOPE_LOG/7-1.jsonl\n");
    fs::set_permissions(bench.path("once"), Permissions::from_mode(0o755)).expect("it is ours");
    let ran = bench.check(&["--retries", "2", "-o", "r.json", "--", "./once"]).exits(99);
    ran.says("cannot run ./once: there is no such file").says("note: retry 1 could not be run");
    assert!(bench.path("r.json").exists());
}

#[test]
fn what_is_excused_is_excused_in_each_run_and_no_run_is_needed_to_say_so() {
    let excuse = b"[[allow]]\nframe = \"src/report.rs:42\"\nreason = \"it is old\"\n";
    let lagging = ["--deny-stale", "--fail-on", "poll.max < 1us", "--retries", "1", "--format", "json", "--"];
    let bench =
        Bench::new().log("first", &healthy()).log("second", &blocked()).file("stallscope.toml", excuse);
    let script = program("");
    let ran = bench.check(&[&lagging[..], &["sh", "-c", &script]].concat()).exits(99);
    let report = ran.json();
    assert_eq!((runs(&bench), &report["findings"][0]["allowed_by"]), (2, &json!("it is old")));
    assert_eq!(
        (&report["thresholds"][1]["ok"], &report["allowances"][0]["state"]),
        (&json!(true), &json!("used"))
    );
    assert!(!ran.out().contains("was not needed"), "{}", ran.out());

    fs::remove_file(bench.path("runs")).expect("it was there");
    bench
        .check(&["--deny-stale", "--retries", "9", "--", "sh", "-c", &script])
        .exits(99)
        .says("no stale excuse");
    assert_eq!(runs(&bench), 1);
}

#[test]
fn each_run_s_log_goes_to_where_the_user_wants_them() {
    let slower = [header(), snapshot(), stall(Phase::End, 400, Cause::Syscall), end()];
    let bench = Bench::new().log("first", &blocked()).log("second", &slower).log("third", &healthy());
    let script = program("");
    let mut check = bench.command(&["--retries", "2", "--", "sh", "-c", &script]);
    check.env("STALLSCOPE_LOG", bench.path("own.jsonl"));
    Ran(check.output().expect("the binary runs")).exits(0);
    let read = |name: &str| fs::read(bench.path(name)).expect(name);
    assert_eq!(
        ["own.jsonl", "own-7-1.jsonl", "own-7-1-2.jsonl"].map(read),
        ["first", "second", "third"].map(read)
    );
}

#[test]
fn a_command_that_fails_is_not_run_again() {
    let bench = Bench::new().log("first", &blocked()).log("second", &blocked());
    let failing = program("exit 3");
    bench.check(&["--retries", "2", "--", "sh", "-c", &failing]).exits(3).says("the command failed; breach");
    assert_eq!(runs(&bench), 1);
    let later = program("test $(wc -l < runs) = 1 || exit 4");
    fs::remove_file(bench.path("runs")).expect("it was there");
    let ran = bench.check(&["--retries", "5", "--", "sh", "-c", &later]).exits(4);
    ran.says("note: in retry 1: the command failed, with exit code 4");
    assert_eq!(runs(&bench), 2);
}

#[test]
fn without_retries_or_a_breach_it_runs_once() {
    let bench = Bench::new().log("first", &blocked());
    let script = program("");
    let ran = bench.check(&["--", "sh", "-c", &script]).exits(99);
    assert!(!(ran.out() + &ran.err()).contains("retry"), "{}", ran.out());
    let bench = Bench::new().log("first", &healthy());
    bench.check(&["--retries", "9", "--", "sh", "-c", &script]).exits(0);
    assert_eq!(runs(&bench), 1);
    bench.check(&["--retries", "9", "--log", "first"]).exits(2).says("--retries");
}
