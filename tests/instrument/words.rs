//! What the program's own log is told: a word for each new culprit, where it is heard.

use crate::harness::{LONG, multi_thread, program, run};
use std::fs::{self, File};
use std::thread;
use std::time::{Duration, Instant};

/// How long the second event may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Blocks three times, at two lines.
async fn block() {
    for _ in 0..2 {
        tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
    }
    tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
}

#[test]
fn without_a_subscriber_stderr_gets_a_line_for_each_culprit() {
    let program = program(|| run(multi_thread(), block()));
    let seen = program.run().ended();
    assert_eq!(seen.log().stalls().len(), 3);
    let lines: Vec<&str> = seen.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in lines {
        assert!(line.starts_with("stallscope: ") && line.contains("instrument/words.rs:"), "{line}");
        // One that was the machine's until it ended is told at its end.
        let blocks = line.contains("blocks thread") || line.contains("blocked thread");
        assert!(blocks && line.contains("clock_nanosleep"), "{line}");
    }
}

#[test]
fn a_subscriber_gets_events_and_stderr_nothing() {
    let program = program(|| {
        tracing_subscriber::fmt().with_ansi(false).with_writer(File::create("events").unwrap()).init();
        run(multi_thread(), block());
        let read = || fs::read_to_string("events").unwrap();
        let count = |events: &str| events.matches("WARN stallscope: ").count();
        let begun = Instant::now();
        // Nobody waits for the app's log to take them.
        while count(&read()) < 2 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        let events = read();
        assert_eq!(count(&events), 2, "{events}");
        assert!(events.contains("instrument/words.rs:"), "{events}");
    });
    assert_eq!(program.run().ended().stderr, "");
}
