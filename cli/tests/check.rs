//! `stallscope check` as a user runs it. The instrumented program is a shell that puts a made-up log where it is told to.

#[expect(dead_code, reason = "the dashboard's tests use the rest")]
mod terminal;

use serde_json::Value;
use stallscope_wire::{
    Cause, Coverage, End, Frame, Header, Histogram, Line, Phase, Quality, Snapshot, Stack, Stall, Tier,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MS: u64 = 1_000_000;

fn header() -> Line {
    Line::Header(Header {
        pid: 7,
        exe: "/app".into(),
        tier: Tier::Exact,
        threshold_ns: 100 * MS,
        coverage: Coverage::whole(),
        ..Header::default()
    })
}

fn snapshot() -> Line {
    let poll = Histogram { buckets: vec![(10_000, 1000)], max_ns: 10_000, sum_ns: 10_000_000 };
    Line::Snapshot(Snapshot { at_ns: MS, poll, ..Snapshot::default() })
}

fn stall(phase: Phase, ms: u64, cause: Cause) -> Line {
    let frame = Frame { file: Some("src/report.rs".into()), line: Some(42), user: true, ..Frame::default() };
    let stack = Stack { quality: Quality::Exact, culprit: Some(0), frames: vec![frame], ..Stack::default() };
    let attributable_ns = if cause == Cause::Host { 0 } else { ms * MS };
    let stack = Some(stack);
    Line::Stall(Stall { phase, duration_ns: ms * MS, attributable_ns, cause, stack, ..Stall::default() })
}

fn blocked() -> Vec<Line> {
    vec![header(), snapshot(), stall(Phase::End, 312, Cause::Syscall), end()]
}

fn healthy() -> Vec<Line> {
    vec![header(), snapshot(), end()]
}

fn end() -> Line {
    Line::End(End { at_ns: 400 * MS })
}

/// A folder with files, and the binary that is run in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        fs::write(self.path(name), content).expect("the file is written");
        self
    }

    fn log(self, name: &str, lines: &[Line]) -> Self {
        let text: Vec<u8> = lines.iter().flat_map(Line::encode).collect();
        self.file(name, &text)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
        for variable in ["STALLSCOPE", "STALLSCOPE_LOG", "STALLSCOPE_THRESHOLD", "NO_COLOR"] {
            command.env_remove(variable);
        }
        command.current_dir(self.0.path()).arg("check").args(arguments).stdin(Stdio::null());
        command
    }

    fn check(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().expect("the binary runs"))
    }

    /// Checks a program that leaves this log and then does what the script says.
    fn program(&self, log: &str, then: &str, options: &[&str]) -> Ran {
        let script = format!("cp {log} $STALLSCOPE_LOG/7-1.jsonl; {then}");
        self.check(&[options, &["--", "sh", "-c", &script]].concat())
    }
}

/// What the binary said.
struct Ran(Output);

impl Ran {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{}\n{}", self.out(), self.err());
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let all = self.out() + &self.err();
        assert!(all.contains(text), "{text:?} is not in:\n{all}");
        assert!(!all.contains("panicked"), "{all}");
        self
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.out()))
    }
}

#[test]
fn a_healthy_program_exits_0() {
    let bench = Bench::new().log("log", &healthy());
    let ran = bench.program("log", "echo hello", &[]).exits(0).says("✓ stall.max < 100ms").says("no finding");
    assert!(ran.out().starts_with("hello\n"), "the command's own stdout comes first");
    assert_eq!(ran.err(), "");
}

#[test]
fn a_stall_exits_99_and_is_named() {
    let bench = Bench::new().log("log", &blocked());
    let ran = bench.program("log", "true", &[]).exits(99);
    let ran = ran.says("✗ stall.max < 100ms  312ms  src/report.rs:42");
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
fn the_command_s_own_failure_passes_through() {
    let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
    bench.program("good", "exit 3", &[]).exits(3).says("the command failed").says("✓");
    bench.program("bad", "exit 3", &[]).exits(3).says("src/report.rs:42 blocked");
    bench.program("good", "kill -9 $$", &[]).exits(137);
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
fn nothing_instrumented_exits_98_and_says_what_to_do() {
    let bench = Bench::new();
    let ran = bench.check(&["--", "true"]).exits(98).says("nothing instrumented ran");
    ran.says("#[stallscope::main]").says("stallscope::attach");
    bench.check(&["--allow-incomplete", "--", "true"]).exits(98);
    let off = bench.command(&["--", "true"]).env("STALLSCOPE", "off").output().expect("the binary runs");
    Ran(off).exits(98).says("STALLSCOPE=off is set here");
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
    let ran = bench.program("log", "true", &["--fail-on", "task-leak.count == 0"]).exits(98);
    ran.says("? task-leak.count == 0  not measured").says("does not measure task-leak");
}

#[test]
fn the_last_line_names_what_was_not_accepted() {
    let bench = Bench::new().log("killed", &[header(), snapshot()]);
    let options = ["--allow-incomplete", "--fail-on", "task-leak.count == 0"];
    let ran = bench.program("killed", "true", &options).exits(98).says("note: process 7 (/app) did not end");
    ran.says("stallscope: incomplete: this version of stallscope does not measure task-leak (exit code 98)");
    let ran = bench.program("killed", "true", &[]).exits(98);
    ran.says("stallscope: incomplete: process 7 (/app) did not end in order");
}

#[test]
fn every_log_of_the_command_is_read() {
    let bench = Bench::new().log("good", &healthy()).log("bad", &blocked()).file("empty", b"");
    bench.program("good", "cp bad $STALLSCOPE_LOG/8-1.jsonl", &[]).exits(99).says("seen: 2 processes");
    bench
        .program("good", "cp empty $STALLSCOPE_LOG/8-1.jsonl", &[])
        .exits(98)
        .says("nothing was written yet");
}

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
            "cannot write the report to no/such",
        ),
        (&["--format", "json", "-o", ".", "--", "touch", "ran"], "cannot write the report to ."),
        (&["-o", "r.json", "--", "touch", "ran"], "belongs to a format"),
        (&["--format", "json", "--format", "text", "--", "touch", "ran"], "only one format can go to stdout"),
        (&["--timeout", "5", "--", "touch", "ran"], "has no unit"),
        (&["--timeout", "5s", "--log", "x"], "--timeout"),
        (&["--pid", "1"], "--for"),
        (&["--log", "x", "--", "touch", "ran"], "cannot be used with"),
        (&[], "required"),
        (&["--", "no-such-command"], "cannot run no-such-command: there is no such command"),
        (&["--", "/"], "cannot run /"),
        (&["--pid", "4294967", "--for", "1s"], "no process has the pid 4294967"),
    ] {
        bench.check(arguments).exits(2).says(said).says("error: ");
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
fn a_command_s_log_that_is_none_is_incomplete_data() {
    let bench = Bench::new().file("binary", b"\x7fELF").log("bad", &blocked());
    bench.program("binary", "true", &[]).exits(98).says("this is no Stallscope event log");
    bench.program("binary", "cp bad $STALLSCOPE_LOG/8.jsonl", &[]).exits(99);
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

#[test]
fn a_limit_below_the_usual_is_recorded_from_there() {
    let bench = Bench::new();
    let script = "echo threshold=$STALLSCOPE_THRESHOLD";
    bench.check(&["--", "sh", "-c", script]).says("threshold=\n");
    for (expr, from) in [
        ("stall.max < 50ms", "50000000ns"),
        ("stall.p99 < 50ms", "50000000ns"),
        ("stall.mean < 50ms", "50000000ns"),
        ("stall.max < 500us", "1000000ns"),
        ("stall.max == 0ns", "1000000ns"),
        ("stall.total < 50ms", ""),
        ("poll.max < 50ms", ""),
    ] {
        let said = format!("threshold={from}\n");
        bench.check(&["--fail-on", expr, "--", "sh", "-c", script]).says(&said);
    }
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

#[test]
fn time_that_is_up_ends_the_command_and_what_it_started() {
    let bench = Bench::new().log("good", &healthy()).log("cut", &[header(), snapshot()]);
    let begun = Instant::now();
    bench
        .program("good", "sleep 60 & sleep 60", &["--timeout", "2s"])
        .exits(0)
        .says("the command was ended after 2s");
    bench
        .program("cut", "exec sleep 60", &["--timeout", "2s"])
        .exits(98)
        .says("it still runs, or was killed");
    bench.program("good", "trap 'exit 5' TERM; sleep 60 & wait", &["--timeout", "2s"]).exits(5);
    assert!(begun.elapsed() < Duration::from_secs(50), "the command was waited for");
}

#[test]
fn on_a_terminal_too_time_that_is_up_ends_what_the_command_started() {
    let (bench, terminal) = (Bench::new(), terminal::Terminal::new());
    let script = "sh -c 'trap \"\" TERM; echo $$ > inner; while :; do sleep 0.1; done'; true";
    let mut command = bench.command(&["--timeout", "2s", "--", "sh", "-c", script]);
    let mut check = terminal.spawn(&mut command);
    assert_eq!(check.wait().expect("it ends").code(), Some(98), "nothing instrumented ran");
    let inner = fs::read_to_string(bench.path("inner")).expect("it began");
    let arguments = fs::read(Path::new("/proc").join(inner.trim()).join("cmdline"));
    assert!(arguments.unwrap_or_default().is_empty(), "what the command started runs on");
}

#[test]
fn a_command_that_has_to_be_killed_fails() {
    let bench = Bench::new().log("good", &healthy());
    let ran = bench.program("good", "trap '' TERM; sleep 60", &["--timeout", "2s"]).exits(137);
    ran.says("the command failed; every threshold holds");
}

#[test]
fn signals_are_passed_to_the_command_and_it_is_reported_all_the_same() {
    let bench = Bench::new().log("log", &blocked());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let script = "cp log $STALLSCOPE_LOG/7.jsonl; touch started; exec sleep 60";
        let mut command = bench.command(&["--", "sh", "-c", script]);
        let check = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        wait_for(&bench.path("started"));
        let pid = check.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs").success());
        Ran(check.wait_with_output().expect("it ends")).exits(code).says("src/report.rs:42 blocked");
        fs::remove_file(bench.path("started")).expect("it was there");
    }
}

#[test]
fn a_second_interrupt_kills() {
    let bench = Bench::new();
    let script = "trap 'touch trapped' INT; touch started; while :; do sleep 0.05; done";
    let mut command = bench.command(&["--", "sh", "-c", script]);
    let check = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let pid = check.id().to_string();
    for file in ["started", "trapped"] {
        wait_for(&bench.path(file));
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill runs").success());
    }
    Ran(check.wait_with_output().expect("it ends")).exits(137);
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
