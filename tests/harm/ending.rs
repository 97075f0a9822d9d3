//! Threads, runtimes and processes that end or split while they are captured.
#![expect(unsafe_code, reason = "forking is libc's")]

use crate::captures::captures;
use crate::harness::{Seen, current_thread, ms, multi_thread, program};
use crate::work::{block, compute, watch};
use std::ffi::CStr;
use std::ptr::null;
use std::thread;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

/// The program ended well, and captures found it at what it did.
fn captured(seen: Seen) {
    let seen = seen.ended();
    let captures = captures(&seen);
    assert!(captures.stacks >= 5, "{captures:#?}");
    assert!(seen.log().ends());
}

#[test]
fn threads_that_exit() {
    let program = program(|| {
        let threads = |turn: u32| {
            thread::spawn(move || {
                let mut builder = current_thread();
                let _guard = watch(&mut builder);
                let runtime = builder.build().unwrap();
                runtime.block_on(async { tokio::spawn(async move { block(turn) }).await.unwrap() });
            })
        };
        for turn in 0..50 {
            let together: Vec<_> = (0..4).map(|of| threads(4 * turn + of)).collect();
            together.into_iter().for_each(|thread| thread.join().unwrap());
        }
    });
    captured(program.run());
}

#[test]
fn runtimes_that_shut_down() {
    let program = program(|| {
        let ways: [fn(Runtime); 3] =
            [Runtime::shutdown_background, |runtime| runtime.shutdown_timeout(ms(1)), drop];
        for turn in 0..60 {
            let mut builder = multi_thread();
            let _guard = watch(&mut builder);
            let runtime = builder.build().unwrap();
            for task in 0..4 {
                runtime.spawn(async move { block(turn + task) });
                runtime.spawn_blocking(move || block(turn + task));
            }
            compute(ms(3));
            ways[turn as usize % 3](runtime);
        }
    });
    captured(program.run());
}

/// Waits for a child's end; its status.
fn wait(child: i32) -> i32 {
    let mut status = -1;
    // SAFETY: the status outlives the call; nobody else waits for the child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status
}

#[test]
fn children_that_are_forked_off_by_a_thread_that_is_captured() {
    let program = program(|| {
        let mut builder = multi_thread();
        let _guard = watch(&mut builder);
        builder.build().unwrap().block_on(async {
            let beside = tokio::spawn(async {
                for turn in 0..200 {
                    block(turn);
                    yield_now().await;
                }
            });
            let task = tokio::spawn(async {
                for turn in 0..60 {
                    compute(ms(2));
                    // SAFETY: the child takes no lock that another thread may have held: it computes, and ends or
                    // becomes another program.
                    let child = unsafe { libc::fork() };
                    if child == 0 {
                        compute(ms(3));
                        let name: &CStr = c"/bin/true";
                        // SAFETY: both end the child; the arguments end with a null pointer.
                        unsafe {
                            if turn % 2 == 0 {
                                libc::execv(name.as_ptr(), [name.as_ptr(), null()].as_ptr());
                            }
                            libc::_exit(0);
                        }
                    }
                    assert!(child > 0);
                    assert_eq!(wait(child), 0, "in turn {turn}");
                    yield_now().await;
                }
            });
            task.await.unwrap();
            beside.await.unwrap();
        });
    });
    captured(program.run());
}

#[test]
fn a_child_that_goes_on_without_exec_and_exits_in_order() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = watch(&mut builder);
        builder.build().unwrap().block_on(async {
            compute(ms(20));
            // SAFETY: the only other threads are the instrument's, and the test harness's, which wait.
            let child = unsafe { libc::fork() };
            tokio::spawn(async { (0..5).for_each(block) }).await.unwrap();
            if child > 0 {
                assert_eq!(wait(child), 0);
            }
        });
        // The child's exit does not wait for threads that it does not have.
    });
    let seen = program.run().ended();
    assert_eq!(seen.logs.len(), 1, "the child keeps no log");
}
