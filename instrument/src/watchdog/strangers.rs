//! Workers of a runtime that was built without us, and of which nothing is known yet.

use crate::probe::census;
use crate::runtime::Runtime;
use std::sync::Arc;

/// When they are looked for first, in nanoseconds; then at twice the time, and so on.
const SOON_NS: u64 = 10_000_000;
/// How often in the end.
const PACE_NS: u64 = 1_000_000_000;

/// Looks for them again and again: one that was blocked, or that a crowded machine has not run, took no part in the first
/// census.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    due_ns: u64,
    pace_ns: u64,
    /// Runtimes that were seen at the last look.
    runtimes: usize,
}

impl Strangers {
    pub(super) fn look(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64) {
        if runtimes.len() != self.runtimes {
            self.runtimes = runtimes.len();
            self.pace_ns = SOON_NS;
            self.due_ns = now_ns.saturating_add(SOON_NS);
        }
        if now_ns < self.due_ns {
            return;
        }
        self.pace_ns = (self.pace_ns * 2).min(PACE_NS);
        self.due_ns = now_ns.saturating_add(self.pace_ns);
        for runtime in runtimes.iter().filter(|runtime| runtime.unknown_workers() > 0) {
            census::take(runtime, census::LATER_NS);
        }
    }
}
