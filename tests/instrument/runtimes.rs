//! Several runtimes in one process.

use crate::harness::{LONG, current_thread, ms, multi_thread, program, run};
use stallscope_wire::{Line, Owner};
use std::collections::HashSet;
use std::thread;
use tokio::time::sleep;

#[test]
fn a_runtime_that_starts_late() {
    let program = program(|| {
        run(multi_thread(), async { tokio::spawn(sleep(ms(50))).await.unwrap() });
        thread::sleep(LONG);
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    program.run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn a_second_runtime_beside_the_first() {
    async fn blocks() {
        tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
        sleep(2 * LONG).await;
    }
    let program = program(|| {
        let other = thread::spawn(|| run(current_thread(), blocks()));
        run(multi_thread(), blocks());
        other.join().unwrap();
    });
    let seen = program.run().ended();
    let stalls = seen.log().stalls();
    let runtimes: HashSet<u64> = stalls.iter().map(|record| record.stall.thread.runtime).collect();
    assert_eq!((stalls.len(), runtimes.len()), (2, 2), "{stalls:#?}");
    assert!(stalls.iter().all(|record| record.stall.owner == Owner::Task), "{stalls:#?}");
    assert_eq!(seen.log().history.runtimes(), 2);
}

#[test]
fn a_stall_is_over_when_its_thread_has_left_the_runtime() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            sleep(ms(20)).await;
            thread::sleep(LONG); // blocks here
        });
        thread::sleep(4 * LONG);
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Root).stall;
    assert!(stall.duration_ns < (2 * LONG).as_nanos() as u64, "{stall:?}");
}

#[test]
fn where_all_runs_in_a_root_future_that_no_hook_tells_of_stalls_may_go_unseen() {
    let program = program(|| run(multi_thread(), async { sleep(ms(50)).await }));
    let seen = program.run().ended();
    let missing = &seen.log().history.coverage().missing;
    let told = missing.iter().any(|gap| gap.hides_stalls && gap.what.starts_with("all that the program did"));
    // Polls that are sampled are not counted.
    assert_eq!(told, cfg!(tokio_unstable), "{missing:#?}");
}

#[test]
fn where_a_task_runs_beside_such_a_root_future_something_was_seen() {
    let program = program(|| run(multi_thread(), async { tokio::spawn(sleep(ms(50))).await.unwrap() }));
    program.run().ended().is_silent();
}

#[test]
fn a_stall_in_the_last_poll_is_over_when_the_runtime_is_shut_down() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            sleep(2 * LONG).await;
            thread::sleep(LONG); // blocks here
        });
        drop(runtime);
        thread::sleep(4 * LONG);
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Root).stall;
    let length = u64::from(cfg!(tokio_unstable)) * LONG.as_nanos() as u64;
    assert!(stall.duration_ns >= length && stall.duration_ns < 3 * LONG.as_nanos() as u64, "{stall:?}");
    assert_eq!(seen.log().history.lost().events, 0);
}

#[test]
fn a_stall_that_is_over_before_the_watchdog_looks_and_whose_thread_is_gone() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(ms(5)); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.with("STALLSCOPE_THRESHOLD", "2ms").run().ended();
    // Nothing was read of its times, and so the line does not get the blame; but it is told.
    let of_task = |line: &Line| matches!(line, Line::Stall(stall) if stall.task.is_some() && stall.duration_ns >= 5_000_000);
    assert!(seen.log().lines.iter().any(of_task), "{:#?}", seen.log().lines);
}
