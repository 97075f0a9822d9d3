//! When a request that waits was woken.

use super::turn;
use crate::clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Wake, Waker};

/// Goes between a request and the waker of its task.
#[derive(Debug)]
pub(super) struct Wakes {
    waker: Waker,
    /// The tick from which on it was ready: of the first wake since it was polled; 0 for none. Written by whoever wakes it;
    /// the wake that follows orders it before the poll that reads it.
    ready: AtomicU64,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.ready.load(Relaxed) == 0 {
            let now = clock::ticks();
            self.ready.store(turn::late_since(now).unwrap_or(now), Relaxed);
        }
        self.waker.wake_by_ref();
    }
}

/// The waker that a request is polled with, made at its first poll and kept as long as its task stays the same.
#[derive(Debug, Default)]
pub(super) struct Wakened(Option<(Arc<Wakes>, Waker)>);

impl Wakened {
    /// Since when it has been ready, in ticks, if it was woken since this was asked last; none if whoever polls it has not
    /// been asked to.
    pub(super) fn take(&self) -> Option<u64> {
        let (wakes, _) = self.0.as_ref()?;
        let ready = wakes.ready.load(Relaxed);
        if ready == 0 {
            return None;
        }
        wakes.ready.store(0, Relaxed);
        Some(ready)
    }

    /// Whether it was polled before.
    pub(super) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The context to poll it with in place of `cx`.
    pub(super) fn context(&mut self, cx: &Context<'_>) -> Context<'_> {
        if self.0.as_ref().is_none_or(|(wakes, _)| !wakes.waker.will_wake(cx.waker())) {
            let wakes = Arc::new(Wakes { waker: cx.waker().clone(), ready: AtomicU64::new(0) });
            let waker = Waker::from(Arc::clone(&wakes));
            self.0 = Some((wakes, waker));
        }
        let waker = self.0.as_ref().map_or(Waker::noop(), |(_, waker)| waker);
        Context::from_waker(waker)
    }
}
