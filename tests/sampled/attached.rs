//! `stallscope::attach` in a program that builds its runtime without us.

use crate::computing::{compute, is_probable};
use crate::harness::{LONG, ms, place, program};
use stallscope_wire::{Certainty, Line, Owner, Tier};
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// By when the workers have made themselves known, on a crowded machine too: until then what they block in is not seen.
const KNOWN: Duration = Duration::from_millis(500);

fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

#[test]
fn a_task() {
    #[tokio::main(worker_threads = 3)]
    async fn root() {
        let _guard = stallscope::attach().unwrap();
        let task = tokio::spawn(async {
            sleep(KNOWN).await;
            thread::sleep(2 * LONG); // blocks here
        });
        task.await.unwrap();
    }
    let seen = program(root).run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!(stall.certainty, Certainty::Exact);
    assert!(stall.thread.worker.is_some(), "{stall:?}");
    assert_eq!(seen.log().history.header().tier, Tier::Sampled);
    assert!(seen.gap("tier sampled").cure.contains("stallscope") || cfg!(not(tokio_unstable)));
}

#[test]
fn the_root_future() {
    #[tokio::main]
    async fn root() {
        let _guard = stallscope::attach().unwrap();
        sleep(KNOWN).await;
        thread::sleep(2 * LONG); // blocks here
        sleep(ms(50)).await;
    }
    program(root).run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn a_task_on_one_thread() {
    #[tokio::main(flavor = "current_thread")]
    async fn root() {
        let _guard = stallscope::attach().unwrap();
        let task = tokio::spawn(async {
            thread::sleep(2 * LONG); // blocks here
        });
        task.await.unwrap();
    }
    program(root).run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn each_of_many_blocking_calls() {
    const CALLS: usize = 6;
    let program = program(|| {
        runtime(2).block_on(async {
            let _guard = stallscope::attach().unwrap();
            sleep(KNOWN).await;
            for _ in 0..CALLS {
                sleep(ms(50)).await;
                let task = tokio::spawn(async {
                    thread::sleep(2 * LONG); // blocks here
                });
                task.await.unwrap();
            }
        });
    });
    let seen = program.run().ended();
    let stalls = seen.log().stalls();
    let marked = seen.marked();
    assert_eq!(stalls.iter().filter(|stall| place(stall) == marked).count(), CALLS, "{stalls:#?}");
    assert_eq!(stalls.len(), CALLS, "{stalls:#?}");
}

#[test]
fn a_computation() {
    let program = program(|| {
        runtime(2).block_on(async {
            let _guard = stallscope::attach().unwrap();
            sleep(KNOWN).await;
            let task = tokio::spawn(async {
                compute(4 * LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    is_probable(&seen, Owner::Task);
}

#[test]
fn all_workers_are_found() {
    let program = program(|| {
        runtime(4).block_on(async {
            let _guard = stallscope::attach().unwrap();
            sleep(ms(3500)).await;
        });
    });
    let seen = program.run().ended();
    let log = seen.log();
    let snapshots = log.lines.iter().filter_map(|line| match line {
        Line::Snapshot(snapshot) => Some(snapshot),
        _ => None,
    });
    let indices = snapshots.flat_map(|snapshot| &snapshot.workers).filter_map(|worker| worker.index);
    assert_eq!(indices.collect::<BTreeSet<u32>>(), BTreeSet::from([0, 1, 2, 3]));
    let missing = &log.history.coverage().missing;
    assert!(missing.iter().all(|gap| !gap.what.contains("workers of runtime")), "{missing:#?}");
    assert!(log.stalls().is_empty(), "{:#?}", log.stalls());
}

#[test]
fn the_blocking_pool_is_no_worker() {
    let program = program(|| {
        runtime(2).block_on(async {
            let _guard = stallscope::attach().unwrap();
            spawn_blocking(|| thread::sleep(LONG)).await.unwrap();
            spawn_blocking(|| compute(LONG)).await.unwrap();
            sleep(LONG).await;
        });
    });
    let seen = program.run().ended();
    assert!(seen.log().stalls().is_empty(), "{:#?}", seen.log().stalls());
}

#[test]
fn without_a_runtime_there_is_nothing_to_attach_to() {
    let program = program(|| {
        let error = stallscope::attach().unwrap_err().to_string();
        assert!(error.starts_with("there is no tokio runtime here to attach to"), "{error}");
    });
    assert!(program.run().ended().logs.is_empty());
}
