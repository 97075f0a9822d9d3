//! Finds the threads of a runtime that was built without us: tasks that have each worker make itself known.

use crate::runtime::Runtime;
use crate::{clock, recorder};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

/// How long the first census waits for workers that sleep or have not been run yet, in nanoseconds: the app is about to give
/// them work, and on a crowded machine they start late. One that is blocked takes no part.
pub(crate) const FIRST_NS: u64 = 50_000_000;
/// How long a later one does. Its tasks keep a worker busy meanwhile.
pub(crate) const LATER_NS: u64 = 2_000_000;

/// Sends a task for each worker, to stay for this time at most.
pub(crate) fn take(runtime: &Runtime, patience_ns: u64) {
    let workers = runtime.handle.metrics().num_workers();
    let seen: Arc<[AtomicBool]> = (0..workers).map(|_| AtomicBool::new(false)).collect();
    let ends_ns = clock::now_ns().saturating_add(patience_ns);
    for _ in 0..workers {
        let task = Task { probe: runtime.probe, seen: Arc::clone(&seen), ends_ns };
        drop(runtime.handle.spawn(task));
    }
}

/// Gives way to its like until each has been polled by another worker.
struct Task {
    probe: u32,
    seen: Arc<[AtomicBool]>,
    ends_ns: u64,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        recorder::enlist(self.probe);
        if let Some(seen) = tokio::runtime::worker_index().and_then(|index| self.seen.get(index)) {
            seen.store(true, Relaxed);
        }
        if self.seen.iter().all(|seen| seen.load(Relaxed)) || clock::now_ns() >= self.ends_ns {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[test]
    fn ends_when_all_workers_were_seen() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen: Arc<[AtomicBool]> = [false, true].map(AtomicBool::new).into();
        let mut task = Box::pin(Task { probe: 0, seen: Arc::clone(&seen), ends_ns: u64::MAX });
        let mut poll = || runtime.block_on(poll_fn(|context| Poll::Ready(task.as_mut().poll(context))));
        // Polled as a root future, it is polled by the runtime's only worker.
        assert_eq!(poll(), Poll::Ready(()));
        assert!(seen[0].load(Relaxed));
        seen[1].store(false, Relaxed);
        assert_eq!(poll(), Poll::Pending);
    }
}
