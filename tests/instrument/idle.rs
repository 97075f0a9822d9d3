//! A program that has nothing to do, and then something.

use crate::harness::{LONG, Seen, multi_thread, program, run};
use std::fs;
use std::thread;
use std::time::Instant;
use tokio::time::sleep;

/// How often the threads of this process that are called like this went to sleep of their own will.
fn sleeps_of(name: &str) -> u64 {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten().map(|entry| entry.path());
    let called = threads.filter(|thread| {
        fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim_end().starts_with(name))
    });
    let sleeps = called.map(|thread| {
        let status = fs::read_to_string(thread.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    });
    sleeps.sum()
}

#[test]
fn an_idle_program_is_let_sleep() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async {}).await.unwrap();
            sleep(2 * LONG).await;
            let names = ["stallscope", "tokio-rt-worker", "tokio-runtime-w"];
            let count = || names.map(sleeps_of).into_iter().sum::<u64>();
            let (before, begun) = (count(), Instant::now());
            sleep(10 * LONG).await;
            let (sleeps, seconds) = (count() - before, begun.elapsed().as_secs_f64());
            // 50 looks a second and 50 probes, each of which wakes a worker, would be a hundred and more.
            assert!(sleeps as f64 / seconds < 40.0, "{sleeps} times in {seconds} s");
            assert!(sleeps > 0, "none of the threads is called so");
        });
    });
    // A log is written at a pace, so there is none.
    assert!(program.with("STALLSCOPE_LOG", "").run().ended().logs.is_empty());
}

/// Blocks after each of three times in which nothing runs.
async fn sleeps_and_blocks() {
    for _ in 0..3 {
        sleep(3 * LONG).await;
        tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
    }
}

#[track_caller]
fn all_three_are_seen_from_their_begin(seen: &Seen) {
    let stalls = seen.log().stalls();
    assert_eq!(stalls.len(), 3, "{stalls:#?}");
    for record in stalls {
        assert!(record.stall.stack.is_some() && record.stall.evidence.blocked_ns > 0, "{record:#?}");
    }
}

#[test]
fn a_stall_after_an_idle_time_is_found() {
    let program = program(|| run(multi_thread(), sleeps_and_blocks()));
    all_three_are_seen_from_their_begin(&program.run().ended());
}

#[test]
fn a_stall_after_an_idle_time_is_found_in_lean() {
    let program = program(|| run(multi_thread(), sleeps_and_blocks()));
    all_three_are_seen_from_their_begin(&program.with("STALLSCOPE", "lean").run().ended());
}
