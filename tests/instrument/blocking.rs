//! Whoever blocks is named by the line, and for what it is.

use crate::harness::{LONG, current_thread, ms, multi_thread, program, run};
use stallscope_wire::{Cause, Owner};
use std::thread;
use tokio::task::{LocalSet, yield_now};

#[test]
fn a_task_on_a_worker() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.syscall.as_deref()), (Cause::Syscall, Some("clock_nanosleep")));
    assert!(stall.task.as_ref().unwrap().spawned_at.contains("instrument/blocking.rs"), "{stall:?}");
    assert!(stall.thread.worker.is_some(), "{stall:?}");
}

#[test]
fn a_task_on_a_current_thread_runtime() {
    let program = program(|| {
        run(current_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    program.run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn the_root_future_of_a_multi_thread_main() {
    #[stallscope::main(worker_threads = 2)]
    async fn root() {
        yield_now().await;
        thread::sleep(LONG); // blocks here
    }
    program(root).run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn the_root_future_of_a_current_thread_main() {
    #[stallscope::main(flavor = "current_thread")]
    async fn root() {
        yield_now().await;
        thread::sleep(LONG); // blocks here
    }
    program(root).run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn the_root_future_of_a_runtime_built_by_hand_and_not_the_task_before_it() {
    let program = program(|| {
        run(current_thread(), async {
            tokio::spawn(async {}).await.unwrap();
            thread::sleep(LONG); // blocks here
            tokio::time::sleep(ms(50)).await;
        });
    });
    let seen = program.run().ended();
    assert_eq!(seen.names_the_marked_line(Owner::Root).stall.task, None);
    let locations = &seen.log().history.snapshot().unwrap().locations;
    assert!(locations.iter().all(|task| task.max_ns < ms(100).as_nanos() as u64), "{locations:?}");
}

#[test]
fn a_task_of_a_local_set() {
    let program = program(|| {
        run(current_thread(), async {
            let local = LocalSet::new();
            local.spawn_local(async {
                tokio::time::sleep(ms(10)).await;
                thread::sleep(LONG); // blocks here
            });
            local.await;
        });
    });
    program.run().ended().names_the_marked_line(Owner::Local);
}

#[test]
fn a_future_that_is_dropped() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(LONG); // blocks here
        }
    }
    let program = program(|| {
        run(multi_thread(), async {
            let slow = Slow;
            let task = tokio::spawn(async move {
                let _slow = slow;
                std::future::pending::<()>().await;
            });
            tokio::time::sleep(ms(50)).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
    program.run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn a_task_after_one_that_panicked() {
    let program = program(|| {
        std::panic::set_hook(Box::new(|_| {}));
        run(current_thread(), async {
            tokio::spawn(async { panic!("on purpose") }).await.unwrap_err();
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    program.run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn a_root_future_that_no_hook_tells_of_is_a_gap() {
    let program = program(|| {
        run(multi_thread(), async { tokio::spawn(tokio::time::sleep(LONG)).await.unwrap() });
    });
    let seen = program.run().ended();
    assert!(seen.gap("the root future of runtime 1").cure.contains("#[stallscope::main]"));
}
