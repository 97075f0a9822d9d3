//! Places that a block may hide in.

use crate::time::{LONG, Work};
use regex::{Captures, Regex};
use std::future::{pending, poll_fn};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use tokio::task::yield_now;

pub(super) async fn in_drop() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(LONG); // blocks here: syscall clock_nanosleep
        }
    }
    let _slow = Slow;
    yield_now().await;
}

pub(super) async fn in_select() {
    let slow = async {
        yield_now().await;
        thread::sleep(LONG); // blocks here: syscall clock_nanosleep
    };
    tokio::select! {
        () = pending() => {}
        () = slow => {}
    }
}

pub(super) async fn in_poll() {
    struct Slow;
    impl Future for Slow {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
            thread::sleep(LONG); // blocks here: syscall clock_nanosleep
            Poll::Ready(())
        }
    }
    Slow.await;
}

pub(super) async fn in_a_generic_of_another_crate() {
    let item = Regex::new("[a-z]+").unwrap();
    let describe = |_: &Captures<'_>| {
        thread::sleep(LONG); // blocks here: syscall clock_nanosleep
        "described"
    };
    black_box(item.replace("one", describe));
}

pub(super) async fn in_a_closure() {
    let slow = |_context: &mut Context<'_>| {
        thread::sleep(LONG); // blocks here: syscall clock_nanosleep
        Poll::Ready(())
    };
    poll_fn(slow).await;
}

/// Lies deeper in its stack than a signal handler copies.
pub(super) async fn deep_recursion() {
    fn descend(depth: u32) {
        let frame = black_box([depth; 512]);
        match depth {
            0 => thread::sleep(LONG), // blocks here: syscall clock_nanosleep
            _ => descend(depth - 1),
        }
        black_box(frame);
    }
    descend(100);
}

// not for sampling: the part of the stack that is captured does not show whose poll it is
pub(super) async fn deep_recursion_computing() {
    fn descend(depth: u32, work: &Work) {
        let frame = black_box([depth; 512]);
        while depth == 0 && work.goes_on() {
            black_box((0..100_000_u64).fold(0, |sum, n| black_box(sum ^ (n << 3)))); // blocks here: cpu
        }
        if depth > 0 {
            descend(depth - 1, work);
        }
        black_box(frame);
    }
    descend(100, &Work::computing());
}

/// The task before it on the same thread is not to blame.
pub(super) async fn in_a_stream_of_tasks() {
    for _ in 0..100 {
        tokio::spawn(yield_now()).await.unwrap();
    }
    thread::sleep(LONG); // blocks here: syscall clock_nanosleep
    for _ in 0..100 {
        tokio::spawn(yield_now()).await.unwrap();
    }
}
