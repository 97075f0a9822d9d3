//! What the code allows itself is known without tokio's task hooks, too.

use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, place, program, run};
use std::thread;
use tokio::time::sleep;

#[test]
fn a_call_under_a_guard() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                sleep(ms(50)).await;
                let _allow = stallscope::allow("once, at the start");
                thread::sleep(2 * LONG);
            });
            task.await.unwrap();
        });
    });
    is_allowed(&program.run().ended());
}

#[test]
fn a_call_under_a_guard_in_a_root_future() {
    let program = program(|| {
        run(current_thread(), async {
            sleep(ms(50)).await;
            stallscope::allow("once, at the start").during(|| thread::sleep(2 * LONG));
            sleep(ms(50)).await;
        });
    });
    is_allowed(&program.run().ended());
}

#[track_caller]
fn is_allowed(seen: &Seen) {
    let record = seen.stall();
    let allowed = record.stall.allowed.as_ref().unwrap_or_else(|| panic!("{record:#?}"));
    assert_eq!(allowed.reason, "once, at the start");
    assert!(record.stall.is_allowed(seen.log().history.header().threshold_ns), "{record:#?}");
    assert_eq!(seen.stderr, "", "it is no news");
}

#[test]
fn a_call_after_a_guard() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                sleep(ms(50)).await;
                stallscope::allow("it is short").during(|| thread::sleep(ms(1)));
                thread::sleep(2 * LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let record = seen.stall();
    assert!(!record.stall.is_allowed(seen.log().history.header().threshold_ns), "{record:#?}");
    assert_eq!(place(record), seen.marked());
}
