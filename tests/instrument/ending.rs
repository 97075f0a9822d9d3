//! However a program ends, its log tells what was seen.

use crate::harness::{LONG, ms, multi_thread, place, program, run};
use stallscope::analysis::StallRecord;
use std::process::exit;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

#[test]
fn an_exit_in_the_middle_loses_nothing() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            tokio::spawn(async { thread::sleep(100 * LONG) });
            sleep(LONG).await;
            exit(7);
        });
    });
    let seen = program.run();
    assert_eq!((seen.status.code(), &*seen.stdout), (Some(7), ""), "{}", seen.stderr);
    let ongoing: Vec<bool> = seen.log().stalls().iter().map(|record| record.ongoing).collect();
    assert_eq!(ongoing, [false, true]);
    assert!(seen.log().ends() && seen.log().history.complete(), "{:?}", seen.log().lines.last());
}

#[test]
fn a_task_that_exits_loses_nothing() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG);
                exit(7);
            });
            task.await.unwrap();
        });
    });
    let seen = program.run();
    assert_eq!(seen.status.code(), Some(7), "{}", seen.stderr);
    assert_eq!(seen.log().stalls().len(), 1);
    assert!(seen.log().ends(), "{:?}", seen.log().lines.last());
}

#[test]
fn a_kill_leaves_a_log_up_to_the_last_second() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async {
                thread::sleep(1000 * LONG); // blocks here
            });
            sleep(1000 * LONG).await;
        });
    });
    let mut running = program.start();
    // Until its names are found, a stall is known by its task's spawn line.
    let is_named = |record: &&StallRecord| {
        let stack = record.stall.stack.as_ref();
        stack.and_then(|stack| stack.culprit_frame()).is_some_and(|frame| frame.line.is_some())
    };
    running.until("the culprit is in the log", |log| log.stalls().iter().any(is_named));
    thread::sleep(ms(1500));
    let killed = SystemTime::now();
    let seen = running.kill();
    assert_eq!((seen.status.code(), &*seen.stdout), (None, ""));
    let history = &seen.log().history;
    let since_start =
        killed.duration_since(UNIX_EPOCH + Duration::from_nanos(history.header().started_unix_ns));
    let lost = since_start.unwrap().saturating_sub(Duration::from_nanos(history.last_at_ns()));
    assert!(lost < ms(1000), "{lost:?} are missing");
    assert!(seen.stall().ongoing && !seen.log().ends() && !history.complete());
    assert_eq!(place(seen.stall()), seen.marked());
}
