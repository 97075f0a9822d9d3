//! What does not block the event loop is not reported.

use crate::harness::{LONG, current_thread, ms, multi_thread, program, run};
use stallscope_wire::Line;
use std::thread;
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::sleep;

#[test]
fn long_awaits() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(sleep(LONG)).await.unwrap();
            sleep(LONG).await;
        });
    });
    program.run().ended().is_silent();
}

#[test]
fn a_main_that_does_nothing_wrong_is_seen_as_a_whole() {
    #[stallscope::main(worker_threads = 2)]
    async fn root() {
        tokio::spawn(sleep(LONG)).await.unwrap();
    }
    let seen = program(root).run().ended();
    seen.is_silent();
    let coverage = seen.log().history.coverage();
    assert!(coverage.complete && coverage.missing.is_empty(), "{coverage:?}");
}

#[test]
fn work_on_the_blocking_pool() {
    let program = program(|| {
        run(current_thread(), async {
            tokio::spawn(async { spawn_blocking(|| thread::sleep(LONG)).await.unwrap() }).await.unwrap();
        });
    });
    program.run().ended().is_silent();
}

#[test]
fn work_that_is_said_to_block() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(sleep(ms(10))).await.unwrap();
            tokio::spawn(async { block_in_place(|| thread::sleep(LONG)) }).await.unwrap();
            block_in_place(|| thread::sleep(LONG));
        });
    });
    program.run().ended().is_silent();
}

#[test]
fn start_up_work_within_the_grace() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            sleep(ms(50)).await;
        });
    });
    let seen = program.with("STALLSCOPE_GRACE", "10s").run().ended();
    seen.is_silent();
    let startup = seen.log().history.snapshot().unwrap().startup;
    assert_eq!((startup.over, startup.long_polls), (false, 1), "{startup:?}");
    assert!(startup.longest_ns >= LONG.as_nanos() as u64, "{startup:?}");
}

#[test]
fn start_up_work_within_the_grace_in_lean() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            sleep(ms(50)).await;
        });
    });
    let seen = program.with("STALLSCOPE_GRACE", "10s").with("STALLSCOPE", "lean").run().ended();
    let startup = seen.log().history.snapshot().unwrap().startup;
    assert_eq!((seen.log().stalls().len(), startup.long_polls), (0, 1), "{startup:?}");
}

#[test]
fn runtimes_that_are_each_over_within_their_grace() {
    let program = program(|| {
        for _ in 0..3 {
            run(multi_thread(), async {
                tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
                sleep(ms(600)).await;
            });
        }
    });
    let seen = program.with("STALLSCOPE_GRACE", "2s").run().ended();
    seen.is_silent();
    let startup = seen.log().history.snapshot().unwrap().startup;
    assert_eq!((startup.over, startup.long_polls), (false, 3), "none was seen beyond it: {startup:?}");
}

#[test]
fn a_runtime_outlives_its_grace() {
    let program = program(|| {
        run(multi_thread(), async { tokio::spawn(sleep(ms(50))).await.unwrap() });
    });
    let seen = program.with("STALLSCOPE_GRACE", "10ms").run().ended();
    let startup = seen.log().history.snapshot().unwrap().startup;
    assert_eq!((startup.over, startup.long_polls), (true, 0), "{startup:?}");
}

#[test]
fn a_runtime_that_nobody_drives() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        for _ in 0..2 {
            runtime.block_on(async { tokio::spawn(sleep(ms(50))).await.unwrap() });
            thread::sleep(2 * LONG);
        }
    });
    program.run().ended().is_silent();
}

#[test]
fn an_idle_worker_after_a_panic() {
    let program = program(|| {
        std::panic::set_hook(Box::new(|_| {}));
        run(current_thread(), async {
            tokio::spawn(async { panic!("on purpose") }).await.unwrap_err();
            sleep(LONG).await;
        });
    });
    let seen = program.run().ended();
    // What the machine does is not the program's.
    assert!(seen.told().iter().all(|line| matches!(line, Line::Pause(_))), "{:#?}", seen.told());
}
