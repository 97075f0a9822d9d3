//! The polls that were long: booked here, once it is known whose they were.

use crate::engine::lock;
use crate::recorder::{self, Row};
use std::collections::{BTreeMap, HashMap};
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
    pub(crate) rows: HashMap<&'static Location<'static>, Long>,
    pub(crate) unplaced: u64,
}

/// The polls of one location.
#[derive(Debug, Default, Clone)]
pub(crate) struct Long {
    pub(crate) row: Row,
    /// Polls by the highest length that their bucket takes in, in buckets as wide as those of the short ones.
    pub(crate) lengths: BTreeMap<u64, u64>,
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
        let long = bookings.rows.entry(location).or_default();
        long.row.add(&Row { polls: 1, total: ticks, max: ticks, ..Row::default() });
        *long.lengths.entry(recorder::bucket_of(ticks)).or_default() += 1;
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
