//! What is asked for, and what is printed where.

use crate::bench::{Bench, Ran, blocked, header, healthy, snapshot};
use stallscope_wire::{Header, Line};
use std::fs;
use std::process::Stdio;

#[test]
fn a_bad_expression_exits_2_and_points_at_the_character() {
    let ran = Bench::new().check(&["--fail-on", "stall.mux < 100ms", "--", "touch", "ran"]).exits(2);
    assert_eq!(
        ran.err(),
        "error: --fail-on: unknown statistic \"mux\"; did you mean \"max\"? (column 7)\n  stall.mux < 100ms\n        ^^^\n"
    );
}

#[test]
fn usage_errors_exit_2_before_anything_runs() {
    let bench = Bench::new();
    for (arguments, said) in [
        (&["--fail-on", "nonsense", "--", "touch", "ran"][..], "unknown metric"),
        (
            &["--format", "json", "-o", "no/such/folder/r.json", "--", "touch", "ran"],
            "cannot write the report to no/such/folder/r.json: there is no folder no/such/folder: make it, or name another\n",
        ),
        (&["-o", "r.docx", "--", "touch", "ran"], "-o r.docx: the file's ending says no format"),
        (&["--format", "json", "-o", ".", "--", "touch", "ran"], "cannot write the report to ."),
        (&["--format", "json", "--format", "text", "--", "touch", "ran"], "only one format can go to stdout"),
        (&["--timeout", "5", "--", "touch", "ran"], "has no unit"),
        (
            &["--timeout", "0s", "--", "touch", "ran"],
            "nothing is seen in no time: write it like 500ms, 30s or 5m",
        ),
        (&["--pid", "1", "--for", "0ms"], "nothing is seen in no time"),
        (&["--timeout", "5s", "--log", "x"], "--timeout"),
        (&["touch", "ran"], "tip: if touch is the command to run, put -- before it"),
        (
            &["-o", "/proc/r.json", "--", "touch", "ran"],
            "no file can be made in /proc: name another folder\n",
        ),
        (&["--pid", "1"], "--for"),
        (&["--for", "1s", "--", "true"], "--for"),
        (&["--log", "x", "--", "touch", "ran"], "cannot be used with"),
        (&[], "required"),
        (&["--", "no-such-command"], "cannot run no-such-command: there is no such command"),
        (&["--", "/"], "cannot run /"),
        (&["--pid", "4294967", "--for", "1s"], "no process has the pid 4294967"),
    ] {
        let ran = bench.check(arguments).exits(2).says(said).says("error: ");
        assert!(
            !ran.err().contains("stallscope [OPTIONS] <COMMAND>"),
            "another command's usage: {}",
            ran.err()
        );
    }
    assert!(!bench.path("ran").exists(), "the command was run all the same");
}

#[test]
fn a_file_that_is_no_log_exits_2() {
    let mut garbled: Vec<u8> = header().encode();
    garbled.extend_from_slice(b"{\"kind\":\"stall\",\"id\":\"many\"}\n");
    let bench = Bench::new()
        .file("newer", b"{\"stallscope\":9,\"kind\":\"header\"}\n")
        .file("binary", b"\x7fELF\x02\x01\x01\0\0\xff\xfe")
        .file("garbled", &garbled)
        .log("good", &healthy());
    for (path, said) in [
        ("newer", "newer: this log has format version 9"),
        ("binary", "binary: this is no Stallscope event log"),
        ("garbled", "garbled: line 2 is malformed"),
        ("missing", "cannot open missing: No such file"),
    ] {
        bench.check(&["--log", path]).exits(2).says(said);
        bench.check(&["--log", "good", path]).exits(2).says(said);
    }
}

#[test]
fn a_place_without_logs_exits_98() {
    let bench = Bench::new().file("empty", b"");
    fs::create_dir(bench.path("folder")).expect("a folder");
    bench.check(&["--log", "folder"]).exits(98).says("folder holds no event log");
    let ran = bench
        .check(&["--log", "empty"])
        .exits(98)
        .says("stallscope: incomplete: empty: nothing was written yet");
    assert!(!ran.out().contains("nothing instrumented ran"), "{}", ran.out());
}

#[test]
fn logs_and_folders_of_logs_are_read() {
    let bench = Bench::new().log("bad.jsonl", &blocked()).log("good.jsonl", &healthy()).file("other", b"x");
    bench.check(&["--log", "."]).exits(99).says("seen: 2 processes");
    bench.check(&["--log", "good.jsonl"]).exits(0);
    bench.check(&["--log", "good.jsonl", "bad.jsonl"]).exits(99);
}

#[test]
fn a_log_does_not_steer_the_terminal() {
    let exe = Line::Header(Header {
        pid: 7,
        exe: "/\x1b]0;owned\x07\u{9b}2J\u{202e}app".into(),
        ..Header::default()
    });
    let mut garbled: Vec<u8> = header().encode();
    garbled.extend_from_slice(b"{\"kind\":\"stall\",\"phase\":\"\\u001b[2J\\u009b\"}\n");
    let bench = Bench::new().log("named", &[exe, snapshot()]).file("garbled", &garbled);
    for (path, code, said) in
        [("named", 98, "stallscope: incomplete: process 7"), ("garbled", 2, "error: garbled")]
    {
        let ran = bench.check(&["--log", path]).exits(code).says(said);
        let all = ran.out() + &ran.err();
        assert!(!all.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{all:?}");
    }
}

#[test]
fn colour_is_for_those_who_ask() {
    let bench = Bench::new().log("log", &blocked());
    assert!(!bench.check(&["--log", "log"]).out().contains('\x1b'));
    assert!(bench.check(&["--color", "always", "--log", "log"]).out().contains("\x1b[1;31mbreach"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let bench = Bench::new().log("log", &blocked());
    let mut check = bench
        .command(&["--log", "log"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(check.stdout.take());
    let ran = Ran(check.wait_with_output().expect("it ends")).exits(99);
    assert!(!ran.err().contains("panicked"), "{}", ran.err());
}
