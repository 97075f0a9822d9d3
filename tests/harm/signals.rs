//! An app with signal handlers of its own.
#![expect(unsafe_code, reason = "signals are reached through libc")]

use crate::captures::captures;
use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, program, run};
use crate::work::{compute, watch};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use tokio::task::yield_now;
use tokio::time::sleep;

/// Sets a handler.
fn handle(signal: i32, handler: extern "C" fn(i32), flags: i32) {
    // SAFETY: the action is plain data; the handlers of this file touch atomics, or compute.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &raw const action, null_mut()), 0);
    }
}

fn raise(signal: i32) {
    // SAFETY: takes a number.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

static URGENT: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    URGENT.fetch_add(1, Relaxed);
}

/// Raises the signal while captures run.
async fn raise_many() {
    tokio::spawn(async {
        for _ in 0..100 {
            compute(ms(5));
            raise(libc::SIGURG);
            thread::sleep(ms(1));
            yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[test]
fn a_handler_of_the_same_signal_that_was_there_before_is_called_for_the_apps_own() {
    let program = program(|| {
        handle(libc::SIGURG, count, libc::SA_RESTART);
        let mut builder = multi_thread();
        let _guard = watch(&mut builder);
        builder.build().unwrap().block_on(raise_many());
        assert_eq!(URGENT.load(Relaxed), 100, "ours are not passed on, and the app's are");
    });
    let seen = program.run().ended();
    let captures = captures(&seen);
    assert!(captures.running > 0, "{captures:#?}");
}

#[test]
fn a_handler_of_the_same_signal_that_is_set_over_ours_is_a_gap() {
    let program = program(|| {
        let mut builder = multi_thread();
        let _guard = watch(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            // The watchdog has set ours when it has seen something.
            tokio::spawn(async { compute(LONG) }).await.unwrap();
            handle(libc::SIGURG, count, libc::SA_RESTART);
            raise_many().await;
        });
        assert_eq!(URGENT.load(Relaxed), 100, "no signal of ours is sent any more");
    });
    let seen = program.run().ended();
    assert!(
        seen.gap("a handler of SIGURG over Stallscope's").cure.contains("before Stallscope is installed")
    );
}

extern "C" fn work(_: i32) {
    compute(ms(10));
    // SAFETY: takes a number; it may be called in a handler.
    unsafe { libc::usleep(4000) };
}

fn is_left_alone(seen: &Seen) {
    assert!(!seen.log().stalls().is_empty());
    assert!(seen.gap("are in a handler of another signal").cure.contains("SIGURG"));
}

/// Raises a signal again and again; its handler takes long, on the alternate stack that std gives each thread, of the least
/// size that is allowed.
async fn raise_long(signal: i32, flags: i32) {
    handle(signal, work, flags);
    // Its thread has been met by then.
    sleep(LONG).await;
    tokio::spawn(async move {
        for _ in 0..50 {
            yield_now().await;
            raise(signal);
        }
    })
    .await
    .unwrap();
}

#[test]
fn a_handler_that_takes_long_on_an_alternate_stack_is_left_alone() {
    let program =
        program(|| run(current_thread(), raise_long(libc::SIGUSR1, libc::SA_ONSTACK | libc::SA_RESTART)));
    is_left_alone(&program.with("STALLSCOPE_THRESHOLD", "1ms").run().ended());
}

#[test]
fn a_handler_that_looks_at_a_crash_is_left_alone() {
    let program = program(|| run(current_thread(), raise_long(libc::SIGABRT, libc::SA_ONSTACK)));
    is_left_alone(&program.with("STALLSCOPE_THRESHOLD", "1ms").run().ended());
}
