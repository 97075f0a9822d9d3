//! What a thread has counted so far.

use super::Cell;
use crate::recorder::locations;
use crate::recorder::table::{Row, Table};
use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;

impl Cell {
    /// `(highest wait of the bucket in nanoseconds, count)` of all waits from wake to poll.
    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    pub(crate) fn waits(&self) -> impl Iterator<Item = (u64, u64)> {
        self.waits.read()
    }

    /// `(highest duration of the bucket in ticks, count)` of all short polls.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.read()
    }

    /// All short polls by spawn location, in ticks.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static Location<'static>, Row)> {
        self.table.rows()
    }

    /// Short polls whose location found no room, in ticks.
    pub(crate) fn unplaced(&self) -> Row {
        self.table.read(locations::OTHER).unwrap_or_default()
    }

    /// All that the thread has seen of tasks.
    pub(in super::super) fn table(&self) -> &Table {
        &self.table
    }

    /// Polls among these that were not timed: others stand for them.
    pub(crate) fn untimed(&self) -> u64 {
        self.untimed.load(Relaxed)
    }

    /// Long polls that found the queue to the watchdog full, or that it found too late.
    pub(crate) fn lost(&self) -> u64 {
        self.long.lost()
    }
}
