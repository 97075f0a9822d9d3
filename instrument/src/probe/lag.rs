//! The loop-lag probe: a task that does nothing but say when it is first polled, and by which thread where no hook does.

use crate::{clock, recorder};
use std::future::Future;
#[cfg(tokio_unstable)]
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::task::{Context, Poll};
use tokio::runtime::Handle;

const WAITING: u64 = 0;
const GONE: u64 = u64::MAX;

/// One probe on its way through a runtime's queues.
#[derive(Debug)]
pub(crate) struct LagProbe(Arc<AtomicU64>);

/// How far a probe has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It waits.
    Waiting,
    /// It was polled first at this tick.
    Polled(u64),
    /// The runtime is shut down.
    Gone,
}

impl LagProbe {
    /// Spawns a probe from outside, as new work comes in, on a runtime whose threads record under a number, or make themselves known
    /// under it where they are `sampled`.
    pub(crate) fn send(runtime: &Handle, probe: Option<u32>, sampled: bool) -> Self {
        let polled = Arc::new(AtomicU64::new(WAITING));
        drop(runtime.spawn(Task { polled: Arc::clone(&polled), probe, sampled }));
        Self(polled)
    }

    /// Does something on a thread of the runtime's blocking pool, while the one that waits for it may park. A clock that is
    /// paused stands still meanwhile.
    pub(crate) async fn aside<T: Send + 'static>(
        runtime: &Handle,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        runtime.spawn_blocking(act).await.ok()
    }

    pub(crate) fn wait(&self) -> Wait {
        match self.0.load(Acquire) {
            WAITING => Wait::Waiting,
            GONE => Wait::Gone,
            tick => Wait::Polled(tick),
        }
    }

    /// Whether a task or job that was spawned at `location` is our own.
    #[cfg(tokio_unstable)]
    pub(crate) fn is_at(location: &Location<'_>) -> bool {
        location.file() == file!()
    }
}

struct Task {
    polled: Arc<AtomicU64>,
    probe: Option<u32>,
    sampled: bool,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        match self.probe.filter(|_| self.sampled) {
            Some(probe) => {
                recorder::enlist(probe);
                recorder::beat();
            }
            // The app's polls are counted, not ours.
            None => recorder::cancel(),
        }
        self.polled.store(clock::ticks(), Release);
        Poll::Ready(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // A runtime that is shut down drops what it has not polled.
        let unpolled = self.polled.compare_exchange(WAITING, GONE, Release, Acquire).is_ok();
        // No hook tells that the one thread of a runtime has left `block_on`, and this is soon after.
        self.probe.filter(|_| unpolled).into_iter().for_each(recorder::retire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_it_was_polled_and_when_the_runtime_is_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        let probe = LagProbe::send(&handle, None, false);
        assert_eq!(probe.wait(), Wait::Waiting);
        runtime.block_on(tokio::task::yield_now());
        assert!(matches!(probe.wait(), Wait::Polled(_)));
        drop(runtime);
        assert_eq!(LagProbe::send(&handle, None, false).wait(), Wait::Gone);
    }
}
