//! What is run: its exit code, its logs, signals and time limits.

use crate::bench::{Bench, MS, Ran, blocked, end, header, healthy, snapshot, stall, wait_for};
use crate::terminal;
use stallscope_wire::{Cause, Header, Line, Phase, Snapshot, Startup};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn the_command_s_own_failure_passes_through() {
    let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
    bench.program("good", "exit 3", &[]).exits(3).says("the command failed").says("✓");
    bench.program("bad", "exit 3", &[]).exits(3).says("src/report.rs:42 blocked");
    bench.program("good", "kill -9 $$", &[]).exits(137);
}

#[test]
fn nothing_instrumented_exits_98_and_says_what_to_do() {
    let bench = Bench::new();
    let ran = bench.check(&["--", "true"]).exits(98).says("nothing instrumented ran");
    ran.says("#[stallscope::main]").says("stallscope::attach");
    bench.check(&["--allow-incomplete", "--", "true"]).exits(98);
    let off = bench.command(&["--", "true"]).env("STALLSCOPE", "off").output().expect("the binary runs");
    Ran(off)
        .exits(98)
        .says("STALLSCOPE=off: the instrument is switched off; set it to full or lean, or unset it");
    let wrong =
        bench.command(&["--", "true"]).env("STALLSCOPE_THRESHOLD", "1x").output().expect("the binary runs");
    let ran =
        Ran(wrong).exits(98).says("STALLSCOPE_THRESHOLD=1x: the program runs unwatched; mend its value");
    assert!(!ran.out().contains("#[stallscope::main]"), "{}", ran.out());
}

#[test]
fn what_ended_within_its_start_up_was_not_judged() {
    let Line::Snapshot(snapshot) = snapshot() else { unreachable!() };
    let young = Line::Snapshot(Snapshot { startup: Startup::default(), ..snapshot });
    let bench = Bench::new().log("young", &[header(), young, end()]);
    let ran = bench.program("young", "exec sleep 60", &["--timeout", "1s"]).exits(98);
    ran.says(
        "incomplete: nothing was judged: no runtime of process 7 (/app) was seen beyond its start-up grace",
    );
    bench.program("young", "true", &["--allow-incomplete"]).exits(98).says("incomplete: nothing was judged");
    bench.check(&["--deny-stale", "--", "true"]).exits(98).says("✓ no stale excuse");
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
fn a_command_s_log_that_is_none_is_incomplete_data() {
    let bench = Bench::new().file("binary", b"\x7fELF").log("bad", &blocked());
    bench.program("binary", "true", &[]).exits(98).says("this is no Stallscope event log");
    bench.program("binary", "cp bad $STALLSCOPE_LOG/8.jsonl", &[]).exits(99);
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
fn what_a_command_recorded_until_its_time_was_up_is_judged() {
    // It began now, and told something as late as its time was up.
    let begun = |ms: u64, stalls: &[Line]| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64;
        let Line::Header(header) = header() else { unreachable!() };
        let Line::Snapshot(snapshot) = snapshot() else { unreachable!() };
        let header = Line::Header(Header { started_unix_ns: now, ..header });
        [&[header], stalls, &[Line::Snapshot(Snapshot { at_ns: ms * MS, ..snapshot })]].concat()
    };
    let run = |log: &[Line], more: &[u8]| {
        let mut text: Vec<u8> = log.iter().flat_map(Line::encode).collect();
        text.extend_from_slice(more);
        Bench::new().file("log", &text).program("log", "exec sleep 60", &["--timeout", "1s"])
    };
    let ran = run(&begun(1000, &[]), b"").exits(0).says("the command was ended after 1s");
    ran.says("process 7 (/app) was ended with it; what it had recorded by then is judged");
    run(&begun(1000, &[]), b"{\"kind\":\"snap").exits(0).says("but for a last line that it had not finished");
    let stall = stall(Phase::Progress, 800, Cause::Lock);
    run(&begun(1000, &[stall]), b"")
        .exits(99)
        .says("src/report.rs:42 blocked a worker once, for 800ms, and had not ended");
    let ran = run(&begun(0, &[])[..1], b"").exits(98).says("no poll was seen");
    assert!(!ran.out().contains("everything was seen; "), "{}", ran.out());
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
fn once_the_command_is_over_a_signal_ends_check() {
    let bench = Bench::new();
    // Nobody reads it.
    assert!(Command::new("mkfifo").arg(bench.path("summary")).status().expect("mkfifo runs").success());
    let mut command = bench.command(&["--", "touch", "ran"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", bench.path("summary"));
    let mut check = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let pid = check.id().to_string();
    wait_for(&bench.path("ran"));
    let begun = Instant::now();
    // The first ones may come while the command runs.
    let status = loop {
        let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        if let Some(status) = check.try_wait().expect("it is ours") {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it waits for ever");
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.signal(), Some(15));
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
