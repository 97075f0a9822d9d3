//! Whoever blocks is named by the line and for what it does, however busy the machine is.

use crate::harness::{LONG, Seen, current_thread, multi_thread, program, run};
use crate::hogs::beside_hogs;
use stallscope_wire::{Cause, Owner};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The program blocks in the marked line, for this.
#[track_caller]
fn is_guilty(seen: &Seen, cause: Cause) {
    let named = seen.names_the_marked_line(Owner::Task);
    assert_eq!(named.stall.cause, cause, "{:#?}", seen.told());
    assert!(named.attributable_ns() >= Duration::from_millis(100).as_nanos() as u64, "{:#?}", seen.told());
}

/// Tells, once this thread has been on a processor for [`LONG`]. Another thread looks: one that asks the kernel for its own
/// times is most often put aside where it asks, and would be seen there.
fn computed() -> Arc<AtomicBool> {
    let thread = fs::read_link("/proc/thread-self").unwrap();
    let stat = Path::new("/proc").join(thread).join("schedstat");
    let spent = move || {
        let stat = fs::read_to_string(&stat).unwrap();
        Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
    };
    let over = Arc::new(AtomicBool::new(false));
    let (tell, until) = (Arc::clone(&over), spent() + LONG);
    thread::spawn(move || {
        while spent() < until {
            thread::sleep(Duration::from_millis(1));
        }
        tell.store(true, Relaxed);
    });
    over
}

#[test]
fn a_task_that_sleeps_on_a_worker() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_guilty(&beside_hogs(|| program.run().ended()), Cause::Syscall);
}

#[test]
fn a_task_that_sleeps_on_a_current_thread_runtime() {
    let program = program(|| {
        run(current_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_guilty(&beside_hogs(|| program.run().ended()), Cause::Syscall);
}

#[test]
fn a_task_that_computes() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let (computed, mut sum) = (computed(), 0u64);
                while !computed.load(Relaxed) {
                    sum = (0..500_000u64).fold(sum, |sum, n| black_box(sum.wrapping_mul(31) ^ n)); // blocks here
                }
            });
            task.await.unwrap();
        });
    });
    is_guilty(&beside_hogs(|| program.run().ended()), Cause::Cpu);
}

#[test]
fn a_task_that_waits_for_a_lock() {
    let program = program(|| {
        run(multi_thread(), async {
            let mutex = Arc::new(Mutex::new(()));
            let (locked, is_locked) = channel();
            let holder = Arc::clone(&mutex);
            let holder = thread::spawn(move || {
                let _guard = holder.lock().unwrap();
                locked.send(()).unwrap();
                thread::sleep(2 * LONG);
            });
            is_locked.recv().unwrap();
            let task = tokio::spawn(async move {
                drop(mutex.lock().unwrap()); // blocks here
            });
            task.await.unwrap();
            holder.join().unwrap();
        });
    });
    is_guilty(&beside_hogs(|| program.run().ended()), Cause::Lock);
}
