//! Whether a thread is parked, and how often it was.

use super::Cell;
use crate::recorder::counts::add_alone;
use crate::recorder::mode::{LEAN, OFF};
use std::sync::atomic::Ordering::Relaxed;

/// Parks that may lack the begin that goes with them: the first of a thread, and those around a change of its runtime.
const UNMATCHED: u64 = 16;

impl Cell {
    /// The thread parks: closes the open record. False as [`Cell::begin`] is.
    pub(in super::super) fn park(&self, probe: u32) -> bool {
        match self.owner.load(Relaxed) ^ probe {
            0 | LEAN => {
                let polled = self.version.load(Relaxed) != 0 && !self.location.load(Relaxed).is_null();
                add_alone(&self.worked, u64::from(polled));
                self.close();
            }
            OFF => {}
            _ => return false,
        }
        add_alone(&self.parks, 1);
        true
    }

    /// The thread has begun something other than a poll.
    pub(in super::super) fn count_begun(&self) {
        add_alone(&self.begun, 1);
    }

    /// The thread, whose record the watchdog writes, parks.
    pub(in super::super) fn rest(&self) {
        add_alone(&self.parks, 1);
    }

    /// The thread, whose record the watchdog writes, is awake.
    pub(in super::super) fn rise(&self) {
        self.begun.store(self.parks.load(Relaxed), Relaxed);
    }

    /// Whether the thread, whose record the watchdog writes, is parked, and tells when it is no longer: not where no hook tells,
    /// nor where the app has taken one of the two.
    pub(crate) fn rests(&self) -> bool {
        self.parks.load(Relaxed).wrapping_sub(self.begun.load(Relaxed)) == 1
    }

    /// How often the thread has parked.
    pub(crate) fn parks(&self) -> u64 {
        self.parks.load(Relaxed)
    }

    /// How often the thread has parked after polls of the app's.
    pub(crate) fn worked(&self) -> u64 {
        self.worked.load(Relaxed)
    }

    /// Whether no record is open, and the thread tells when it begins one: not where the app has taken the hook for that.
    pub(crate) fn is_parked(&self) -> bool {
        let unmatched = self.parks.load(Relaxed).saturating_sub(self.begun.load(Relaxed));
        self.version.load(Relaxed) == 0 && unmatched <= UNMATCHED
    }
}
