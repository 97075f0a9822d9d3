//! Who only waits for a processor is not accused.

use crate::harness::{Seen, current_thread, ms, multi_thread, program, run};
use crate::hogs::beside_hogs;
use stallscope::analysis::{Finding, Rule, Severity, Terms, Threshold, Verdict, findings, judge};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// For how long the programs run.
const WHILE: Duration = ms(3000);

/// Some work, far less than what blocks.
fn work() {
    black_box((0..20_000u64).fold(0, |sum: u64, n| black_box(sum.wrapping_mul(31) ^ n)));
}

/// Many tasks that work a little, and wait.
fn is_busy(builder: Builder) {
    run(builder, async {
        let tasks = (0..32).map(|task| {
            tokio::spawn(async move {
                let begun = Instant::now();
                while begun.elapsed() < WHILE {
                    work();
                    sleep(ms(5 + task % 7)).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

/// Nothing is found that fails a gate.
#[track_caller]
fn is_innocent(seen: &Seen) {
    let history = &seen.log().history;
    let failing = |finding: &Finding| finding.severity == Severity::Error || finding.rule == Rule::LoopLag;
    let found: Vec<_> = findings(&[history]).into_iter().filter(failing).collect();
    assert!(found.is_empty(), "{found:#?}\n{:#?}", seen.told());
    let threshold: Threshold = "stall.max < 100ms".parse().unwrap();
    let verdict = judge(&Terms::new(vec![threshold]), &[history]).verdict;
    assert!(matches!(verdict, Verdict::Pass | Verdict::Inconclusive), "{verdict}");
    assert!(history.complete() && history.polls() > 10, "{} polls", history.polls());
}

#[test]
fn a_busy_program_on_two_workers() {
    let program = program(|| is_busy(multi_thread()));
    is_innocent(&beside_hogs(|| program.run().ended()));
}

#[test]
fn a_busy_program_on_one_thread() {
    let program = program(|| is_busy(current_thread()));
    is_innocent(&beside_hogs(|| program.run().ended()));
}

#[test]
fn a_program_that_leaves_its_computing_to_the_blocking_pool() {
    let program = program(|| {
        run(multi_thread(), async {
            let begun = Instant::now();
            while begun.elapsed() < WHILE {
                let jobs = (0..4).map(|_| spawn_blocking(work)).collect::<Vec<_>>();
                for job in jobs {
                    tokio::spawn(async { job.await.unwrap() }).await.unwrap();
                }
                sleep(ms(3)).await;
            }
        });
    });
    is_innocent(&beside_hogs(|| program.run().ended()));
}
