//! What is found live is what is found in the log of the same run, and at its end in any recording of it.

use crate::harness::{LONG, multi_thread, program, run};
use stallscope::analysis::{History, Rule, findings};
use stallscope_wire::{Line, Reader};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;
use tokio::time::sleep;

fn sleeps() {
    thread::sleep(2 * LONG);
}

fn naps() {
    thread::sleep(3 * LONG);
}

/// Rule, culprit and count of each, in an order of their own.
fn found(history: &History) -> Vec<(String, String, u64)> {
    let mut found: Vec<_> = findings(&[history])
        .iter()
        .map(|finding| (finding.rule.to_string(), finding.culprit.to_string(), finding.count))
        .collect();
    found.sort();
    found
}

#[test]
fn the_log_tells_what_was_seen_live() {
    let program = program(|| {
        run(multi_thread(), async {
            while !Path::new("watched").exists() {
                sleep(LONG / 10).await;
            }
            for _ in 0..3 {
                tokio::spawn(async { sleeps() }).await.unwrap();
                sleep(LONG).await;
            }
            tokio::spawn(async { naps() }).await.unwrap();
            drop(stallscope::watched(sleep(LONG)));
            // Until all of it is told.
            sleep(10 * LONG).await;
        });
    });
    let mut running = program.start();
    let socket = running.path("stallscope").join(format!("{}.sock", running.pid()));
    running.until_exists(&socket);
    let stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = Reader::new(stream).unwrap();
    let mut live = History::new(reader.header().clone());
    let first = reader.next_line().unwrap().expect("a first state comes");
    live.apply(first);
    fs::write(running.path("watched"), "").unwrap();
    loop {
        let line = reader.next_line().unwrap().expect("the end comes first");
        let over = matches!(line, Line::End(_));
        live.apply(line);
        if over {
            break;
        }
    }
    let seen = running.wait().ended();
    let logged = &seen.log().history;
    assert_eq!(found(&live), found(logged));
    let blocking = findings(&[logged]).into_iter().filter(|finding| finding.rule == Rule::BlockingPoll);
    let mut counts: Vec<_> = blocking.map(|finding| finding.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 3], "{:?}", found(logged));
    assert!(found(logged).iter().any(|(rule, ..)| rule == "never-awaited"), "{:?}", found(logged));
}
