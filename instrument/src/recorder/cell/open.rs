//! The open record, and how it is read.

use super::Cell;
use crate::clock;
use crate::recorder::sync::fence;
use crate::recorder::table::known;
use std::panic::Location;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A record that is open: what a thread has been at since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// Tells records of one cell apart, and never repeats: the tick at which it began, or, with the bit of
    /// [`Open::LEAN`], its number among those of mode lean.
    pub(crate) version: u64,
    /// The task's id as [`super::task_bits`] makes it; 0 for none.
    pub(crate) task: u64,
    /// Where the task was spawned; none when the thread polls no task that a hook told of.
    pub(crate) location: Option<&'static Location<'static>>,
}

impl Open {
    /// No tick has this bit for centuries.
    pub(in super::super) const LEAN: u64 = 1 << 63;

    /// When it began, in ticks; none in mode lean, where [`Cell::start`] knows more.
    pub(crate) fn start(self) -> Option<u64> {
        (self.version & Self::LEAN == 0).then_some(self.version)
    }
}

impl Cell {
    /// The open record; none when the thread is parked, or is just changing it.
    pub(crate) fn read(&self) -> Option<Open> {
        let version = self.version.load(Acquire);
        let open =
            Open { version, task: self.task.load(Relaxed), location: known(self.location.load(Relaxed)) };
        // The two loads above must not be done after the checks below.
        fence(Acquire);
        let stands = version & Open::LEAN == 0 || self.turns.load(Acquire) == version & !Open::LEAN;
        (version != 0 && stands && self.version.load(Acquire) == version).then_some(open)
    }

    /// Opens a record that began at `start` in place of the one that is open, or closes that one, unbooked. Only the watchdog
    /// calls it, and only for a cell whose thread does not write of itself what it is at.
    pub(crate) fn observe(&self, start: Option<u64>) {
        self.version.store(start.unwrap_or(0), Release);
    }

    /// Whether `open` is still the open record.
    pub(crate) fn is_at(&self, open: Open) -> bool {
        self.version.load(Acquire) == open.version
    }

    /// When a record began, in ticks: of one of mode lean, when the watchdog saw it first; none when it did not.
    pub(crate) fn start(&self, open: Open) -> Option<u64> {
        open.start().or_else(|| self.sighted.of(open))
    }

    /// The same for a record that is open, which is seen now. Only the watchdog calls it.
    pub(crate) fn sight(&self, open: Open) -> u64 {
        self.start(open).unwrap_or_else(|| {
            let now = clock::ticks();
            self.sighted.set(open, now);
            now
        })
    }

    /// Has the thread tell when a record ends, which in mode lean it does not by itself. Only the watchdog calls it.
    pub(crate) fn time_end(&self, open: Open) {
        if open.start().is_none() {
            self.renew();
        }
    }
}
