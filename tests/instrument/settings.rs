//! The `STALLSCOPE_*` variables.

use crate::harness::{LONG, Seen, multi_thread, program, run};
use std::fs;
use std::path::Path;
use std::thread;
use tokio::time::sleep;

#[test]
fn off_is_off() {
    let program = program(|| {
        run(multi_thread(), async { tokio::spawn(async { thread::sleep(LONG) }).await.unwrap() });
        assert!(!Path::new("stallscope").exists(), "there is a socket");
    });
    let seen = program.with("STALLSCOPE", "off").run().ended();
    assert!(seen.logs.is_empty());
    assert_eq!(seen.stderr, "");
}

/// What `#[stallscope::main]` makes of settings that it cannot follow.
#[track_caller]
fn runs_unwatched(seen: &Seen, because: &str) {
    let said = format!("stallscope: {because}; running unwatched\n");
    assert_eq!((&*seen.stderr, seen.logs.len()), (&*said, 0));
}

#[test]
fn a_threshold_that_makes_no_sense_is_told_in_one_line_and_the_program_runs() {
    #[stallscope::main]
    async fn root() {
        fs::write("ran", "").unwrap();
    }
    let program = program(root).with("STALLSCOPE_THRESHOLD", "soon");
    let ran = program.path("ran");
    let seen = program.run().ended();
    let because = "cannot read STALLSCOPE_THRESHOLD: the duration \"soon\" has no number: write it like 250us, 20ms or 1.5s";
    runs_unwatched(&seen, because);
    assert!(ran.exists());
}

#[test]
fn a_log_that_cannot_be_written_is_told_in_one_line_and_the_program_is_watched() {
    #[stallscope::main]
    async fn root() {
        tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
    }
    let seen = program(root).with("STALLSCOPE_LOG", "/proc/nothing/a.jsonl").run().ended();
    let because = "the event log: cannot write /proc/nothing/a.jsonl: No such file or directory (os error 2)";
    assert!(
        seen.stderr.starts_with(&format!("stallscope: {because}; set STALLSCOPE_LOG to ")),
        "{}",
        seen.stderr
    );
    assert!(seen.stderr.contains("settings.rs:"), "it is watched all the same: {}", seen.stderr);
}

#[test]
fn the_threshold_is_the_environments() {
    let program = program(|| {
        run(multi_thread(), async { tokio::spawn(async { thread::sleep(LONG) }).await.unwrap() });
    });
    let seen = program.with("STALLSCOPE_THRESHOLD", "30s").run().ended();
    assert_eq!(seen.log().history.header().threshold_ns, 30_000_000_000);
    seen.is_silent();
}

#[test]
fn two_processes_that_are_given_one_log_write_two() {
    let program = program(|| {
        run(multi_thread(), async {
            while !Path::new("both run").exists() {
                sleep(LONG / 10).await;
            }
        });
    });
    fs::create_dir(program.path("logs")).unwrap();
    let log = program.path("logs").join("a.jsonl");
    let mut first = program.with("STALLSCOPE_LOG", log).start();
    let mut second = first.again();
    first.until("both logs are there", |log| log.path.file_name().unwrap() != "a.jsonl");
    fs::write(first.path("both run"), "").unwrap();
    assert!(second.wait().unwrap().success());
    let seen = first.wait().ended();
    let complete: Vec<bool> = seen.logs.iter().map(|log| log.history.complete()).collect();
    assert_eq!(complete, [true, true]);
}
