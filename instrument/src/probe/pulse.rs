//! Finds out whether a busy worker comes to be between two polls: tasks that are there to be polled among the others.

use crate::runtime::Runtime;
use crate::{clock, recorder};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A worker that polls all its tasks in less, in nanoseconds, is not in question, and is not kept busy either: a pulse
/// costs it one poll of a few dozen nanoseconds in this time at most.
const ROUND_NS: u64 = 200_000;
/// How long a pulse stays, in nanoseconds.
const STAYS_NS: u64 = 10_000_000_000;

/// Sees to it that there are as many pulses as workers.
pub(crate) fn take(runtime: &Runtime) {
    let workers = runtime.handle.metrics().num_workers() as u64;
    for _ in runtime.pulses()..workers {
        drop(runtime.handle.spawn(Pulse {
            probe: runtime.probe,
            polled_ns: None,
            ends_ns: clock::now_ns().saturating_add(STAYS_NS),
            _counted: runtime.count_pulse(),
        }));
    }
}

struct Pulse {
    probe: u32,
    polled_ns: Option<u64>,
    ends_ns: u64,
    _counted: Arc<()>,
}

impl Future for Pulse {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        recorder::enlist(self.probe);
        recorder::beat();
        let now_ns = clock::now_ns();
        let short = self.polled_ns.is_some_and(|polled_ns| now_ns.saturating_sub(polled_ns) < ROUND_NS);
        if short || now_ns >= self.ends_ns {
            return Poll::Ready(());
        }
        self.polled_ns = Some(now_ns);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_has_nothing_else_to_do_is_left_alone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let counted = Arc::new(());
        let pulse = Pulse { probe: 0, polled_ns: None, ends_ns: u64::MAX, _counted: Arc::clone(&counted) };
        runtime.block_on(runtime.spawn(pulse)).unwrap();
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}
