//! Workers of a runtime that was built without us, and of which nothing is known yet.

use crate::probe::census;
use crate::runtime::Runtime;
use std::sync::Arc;

/// How often they are looked for, in nanoseconds.
const PACE_NS: u64 = 1_000_000_000;

/// Looks for them again and again: one that was blocked, or asleep, took no part in the first census.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    due_ns: u64,
}

impl Strangers {
    pub(super) fn look(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64) {
        if now_ns < self.due_ns {
            return;
        }
        self.due_ns = now_ns.saturating_add(PACE_NS);
        for runtime in runtimes.iter().filter(|runtime| runtime.unknown_workers() > 0) {
            census::take(runtime, census::LATER_NS);
        }
    }
}
