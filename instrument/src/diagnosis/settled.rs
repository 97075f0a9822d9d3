//! The polls that were long: booked here, once it is known whose they were.

use crate::engine::lock;
use crate::recorder::Row;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Mutex;

/// Spawn locations that are told apart.
const ROOM: usize = 4096;

/// Written by the diagnosis, read by the collector. All in ticks.
#[derive(Debug, Default)]
pub(crate) struct Settled(Mutex<Bookings>);

#[derive(Debug, Default, Clone)]
pub(crate) struct Bookings {
    /// Each poll's length.
    pub(crate) polls: HashMap<u64, u64>,
    pub(crate) rows: HashMap<&'static Location<'static>, Row>,
    pub(crate) unplaced: u64,
}

impl Settled {
    /// Books a poll of a task spawned at `location`.
    pub(super) fn book(&self, location: Option<&'static Location<'static>>, ticks: u64) {
        let Some(location) = location else { return };
        let mut bookings = lock(&self.0);
        // Two significant digits of a long poll's length are enough to count it by.
        let step = 1 << (63 - ticks.max(1).leading_zeros()).saturating_sub(6);
        *bookings.polls.entry(ticks / step * step).or_default() += 1;
        if bookings.rows.len() >= ROOM && !bookings.rows.contains_key(location) {
            bookings.unplaced += 1;
            return;
        }
        let row = bookings.rows.entry(location).or_default();
        row.polls += 1;
        row.total += ticks;
        row.max = row.max.max(ticks);
    }

    /// What was booked so far.
    pub(crate) fn read(&self) -> Bookings {
        lock(&self.0).clone()
    }
}
