//! What the code allows itself is told with its reason, and the rest is not excused by it.

use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, place, program, run};
use stallscope::analysis::StallRecord;
use stallscope_wire::{Allowed, Mode, Stall};
use std::thread;
use std::time::Instant;
use tokio::task::{LocalSet, yield_now};

/// The line of this file that calls `stallscope::allow` with this reason.
fn line_of(reason: &str) -> String {
    let source = include_str!("allowed.rs");
    let call = format!("stallscope::allow(\"{reason}\")");
    let line = source.lines().position(|line| line.contains(&call)).expect("a line says so");
    format!("tests/instrument/allowed.rs:{}:", line + 1)
}

/// What is allowed of a stall, by the line with this reason.
#[track_caller]
fn allowed<'a>(record: &'a StallRecord, reason: &str) -> &'a Allowed {
    let allowed =
        record.stall.allowed.as_ref().unwrap_or_else(|| panic!("nothing is allowed of {record:#?}"));
    assert_eq!(allowed.reason, reason);
    assert!(allowed.at.starts_with(&line_of(reason)), "{allowed:?}");
    allowed
}

/// The stall would be none without what is allowed.
#[track_caller]
fn is_allowed(seen: &Seen, reason: &str) {
    // Where all of it is allowed, the host may well be what it would be blamed on.
    let records: Vec<_> = seen.log().history.stalls().collect();
    let [record] = records[..] else { panic!("not one stall but {records:#?}") };
    let allowed = allowed(record, reason);
    let Stall { duration_ns, attributable_ns, .. } = record.stall;
    assert!(allowed.ns >= LONG.as_nanos() as u64 && allowed.ns <= duration_ns, "{record:#?}");
    assert!(!allowed.ongoing && !record.ongoing, "{record:#?}");
    assert!(attributable_ns <= duration_ns - allowed.ns, "{record:#?}");
    assert!(record.stall.is_allowed(seen.log().history.header().threshold_ns), "{record:#?}");
    assert_eq!(seen.stderr, "", "it is no news");
}

/// Blocks by computing.
fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        std::hint::spin_loop();
    }
}

#[test]
fn a_call_under_a_guard() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let _allow = stallscope::allow("once, at the start");
                thread::sleep(LONG);
            });
            task.await.unwrap();
        });
    });
    is_allowed(&program.run().ended(), "once, at the start");
}

#[test]
fn computing_under_a_guard() {
    let program = program(|| {
        run(current_thread(), async {
            let task = tokio::spawn(async { stallscope::allow("it is asked for").during(compute) });
            task.await.unwrap();
        });
    });
    is_allowed(&program.run().ended(), "it is asked for");
}

#[test]
fn in_mode_lean() {
    let program = program(|| {
        run(multi_thread(), async {
            stallscope::set_mode(Mode::Lean);
            let task = tokio::spawn(async {
                yield_now().await;
                let _allow = stallscope::allow("lean and slow");
                thread::sleep(LONG);
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let record = seen.stall();
    allowed(record, "lean and slow");
    assert!(record.stall.is_allowed(seen.log().history.header().threshold_ns), "{record:#?}");
}

#[test]
fn in_a_root_future() {
    #[stallscope::main(flavor = "current_thread")]
    async fn root() {
        yield_now().await;
        let _allow = stallscope::allow("nothing else runs yet");
        thread::sleep(LONG);
    }
    is_allowed(&program(root).run().ended(), "nothing else runs yet");
}

#[test]
fn what_blocks_after_the_guard_is_to_blame_for_its_own_part() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                stallscope::allow("the first half").during(|| thread::sleep(LONG));
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    half_is_to_blame(&program.run().ended(), "the first half");
}

#[test]
fn what_blocks_before_the_guard_is_to_blame_for_its_own_part() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
                stallscope::allow("the second half").during(|| thread::sleep(LONG * 3));
            });
            task.await.unwrap();
        });
    });
    half_is_to_blame(&program.run().ended(), "the second half");
}

#[track_caller]
fn half_is_to_blame(seen: &Seen, reason: &str) {
    let record = seen.stall();
    let allowed = allowed(record, reason);
    let Stall { duration_ns, attributable_ns, .. } = record.stall;
    assert!(allowed.ns >= LONG.as_nanos() as u64, "{record:#?}");
    assert!(attributable_ns <= duration_ns - allowed.ns, "{record:#?}");
    assert!(!record.stall.is_allowed(seen.log().history.header().threshold_ns), "{record:#?}");
    assert_eq!(place(record), seen.marked(), "{record:#?}");
}

#[test]
fn many_guards_of_one_poll_are_one() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                for _ in 0..300 {
                    let _allow = stallscope::allow("bit by bit");
                    let _inner = stallscope::allow("and within");
                    thread::sleep(ms(1));
                }
            });
            task.await.unwrap();
        });
    });
    is_allowed(&program.run().ended(), "bit by bit");
}

#[test]
fn a_guard_that_outlives_its_poll_excuses_nobody_else() {
    let program = program(|| {
        run(current_thread(), async {
            let local = LocalSet::new();
            local.spawn_local(async {
                let _allow = stallscope::allow("held for ever");
                std::future::pending::<()>().await;
            });
            let other = local.spawn_local(async {
                tokio::time::sleep(ms(50)).await;
                thread::sleep(LONG); // blocks here
            });
            local.run_until(other).await.unwrap();
        });
    });
    let seen = program.run().ended();
    let record = seen.stall();
    assert_eq!((place(record), record.stall.allowed.as_ref()), (seen.marked(), None), "{record:#?}");
}

#[test]
fn no_reason_is_no_excuse() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let _allow = stallscope::allow(" ");
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    assert_eq!((place(seen.stall()), seen.stall().stall.allowed.as_ref()), (seen.marked(), None));
}

#[test]
fn a_thread_that_ends_at_once_is_heard_of() {
    let program = program(|| {
        let thread = thread::spawn(|| {
            run(current_thread(), async {
                tokio::spawn(async {
                    let _allow = stallscope::allow("the last thing it does");
                    thread::sleep(LONG);
                })
                .await
                .unwrap();
            });
        });
        thread.join().unwrap();
    });
    is_allowed(&program.run().ended(), "the last thing it does");
}

#[test]
fn where_nothing_is_watched_it_does_nothing() {
    assert_eq!(stallscope::allow("there is nobody to tell").during(|| 7), 7);
}
