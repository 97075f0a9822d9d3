//! What one thread notes at a record, for all to read.

use super::{Cell, Open};
use crate::recorder::sync::{AtomicU64, fence};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A value that belongs to a record: a new one takes the old one's place. One writer; anybody reads.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Mark {
    value: AtomicU64,
    /// The record's version, 0 for none. Release, after the value.
    record: AtomicU64,
}

impl Mark {
    pub(super) const fn new() -> Self {
        Self { value: AtomicU64::new(0), record: AtomicU64::new(0) }
    }

    /// The record's value; none when another record has one, or the value is just changing.
    pub(super) fn of(&self, open: Open) -> Option<u64> {
        let marked = self.record.load(Acquire) == open.version;
        let value = self.value.load(Relaxed);
        // The value must not be loaded after the check below: it may go to another record meanwhile.
        fence(Acquire);
        (marked && self.record.load(Relaxed) == open.version).then_some(value)
    }

    pub(super) fn set(&self, open: Open, value: u64) {
        self.record.store(0, Relaxed);
        // The value must not be seen before the 0.
        fence(Release);
        self.value.store(value, Relaxed);
        self.record.store(open.version, Release);
    }
}

impl Cell {
    /// The stall that a record is.
    pub(crate) fn stall(&self, open: Open) -> Option<u64> {
        self.stall.of(open)
    }

    /// Marks a record as a stall. Only the diagnosis calls it.
    pub(crate) fn set_stall(&self, open: Open, id: u64) {
        self.stall.set(open, id);
    }

    /// Marks a record as no stall, however long. Only the diagnosis calls it.
    pub(crate) fn dismiss(&self, open: Open) {
        self.dismissed.store(open.version, Relaxed);
    }

    /// Whether a record was found to be no stall.
    pub(crate) fn is_dismissed(&self, open: Open) -> bool {
        self.dismissed.load(Relaxed) == open.version
    }
}
