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
    /// Polls by the highest length that their bucket takes in.
    pub(crate) polls: HashMap<u64, u64>,
    pub(crate) rows: HashMap<&'static Location<'static>, Row>,
    pub(crate) unplaced: u64,
}

impl Settled {
    /// Books a poll of a task spawned at `location`.
    pub(super) fn book(&self, location: Option<&'static Location<'static>>, ticks: u64) {
        let Some(location) = location else { return };
        let mut bookings = lock(&self.0);
        *bookings.polls.entry(bucket(ticks)).or_default() += 1;
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

/// The highest length that is counted with this one: two significant digits are enough to count long polls by.
fn bucket(ticks: u64) -> u64 {
    let step = 1 << (63 - ticks.max(1).leading_zeros()).saturating_sub(6);
    ticks | (step - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_is_counted_by_no_less_than_its_length() {
        for shift in 0..64 {
            for ticks in [1 << shift, 1 << shift | 1, u64::MAX >> shift] {
                let upper = bucket(ticks);
                assert!(upper >= ticks && upper - ticks <= ticks / 64, "{ticks} by {upper}");
                assert_eq!(bucket(upper), upper);
            }
        }
    }
}
