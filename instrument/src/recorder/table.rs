//! What one thread has seen of tasks, by the number of their spawn location.

use super::counts::{self, COARSE, add_alone};
use super::locations::{self, OTHER};
use super::sync::{self, AtomicU64};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

// Where what stands in a row. What each poll touches comes first.
const POLLS: usize = 0;
const TOTAL: usize = 1;
const MAX: usize = 2;
const LAST: usize = 3;
const SPAWNED: usize = 4;
const FINISHED: usize = 5;
const FIRST_POLL: usize = 6;
const SCHEDULE: usize = 9;
const LENGTHS: usize = 12;
const WORDS: usize = LENGTHS + COARSE;

/// A location as a recorder keeps it: null for none.
#[inline]
pub(super) fn address(location: Option<&'static Location<'static>>) -> *mut Location<'static> {
    location.map_or(ptr::null_mut(), |location| ptr::from_ref(location).cast_mut())
}

/// The location that a recorder's address stands for. Only [`address`] makes such addresses.
pub(super) fn known(address: *mut Location<'static>) -> Option<&'static Location<'static>> {
    #[expect(
        unsafe_code,
        reason = "a location is kept as its address, so that storing it is one instruction"
    )]
    // SAFETY: an address in a cell is null or was made from a `&'static Location<'static>`, and each is stored whole. A library
    // that has spawned tasks and is unloaded breaks that `'static` itself, for tokio as for us.
    unsafe {
        address.as_ref()
    }
}

/// What the polls of one location took, in ticks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) polls: u64,
    pub(crate) total: u64,
    pub(crate) max: u64,
    /// When the last of them began; 0 for never.
    pub(crate) last: u64,
    /// From spawn to first poll, of the tasks whose first poll was seen here.
    pub(crate) first_poll: Waits,
    /// From wake to poll in nanoseconds, where tokio tells.
    pub(crate) schedule: Waits,
}

impl Row {
    pub(crate) fn add(&mut self, other: &Self) {
        self.polls += other.polls;
        self.total += other.total;
        self.max = self.max.max(other.max);
        self.last = self.last.max(other.last);
        self.first_poll.add(other.first_poll);
        self.schedule.add(other.schedule);
    }
}

/// Waiting times, summed up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) count: u64,
    pub(crate) total: u64,
    pub(crate) max: u64,
}

impl Waits {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.total += other.total;
        self.max = self.max.max(other.max);
    }
}

/// A row as its thread writes it: counters that nobody else writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowAlone<'a>(&'a [AtomicU64; WORDS]);

impl RowAlone<'_> {
    /// A poll that began at `start` and stands for `weight` polls; `bucket` is that of its length.
    #[inline]
    pub(super) fn polled(self, start: u64, ticks: u64, bucket: usize, weight: u64) {
        add_alone(&self.0[POLLS], weight);
        add_alone(&self.0[TOTAL], ticks.wrapping_mul(weight));
        if ticks > self.0[MAX].load(Relaxed) {
            self.0[MAX].store(ticks, Relaxed);
        }
        self.0[LAST].store(start, Relaxed);
        add_alone(&self.0[LENGTHS + counts::coarse(bucket)], weight);
    }

    /// A task is spawned; how many were before.
    #[inline]
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn spawned(self) -> u64 {
        let before = self.0[SPAWNED].load(Relaxed);
        self.0[SPAWNED].store(before.wrapping_add(1), Relaxed);
        before
    }

    /// Release: whoever counts the task among those that are gone counts it among those spawned.
    #[inline]
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn finished(self) {
        let finished = self.0[FINISHED].load(Relaxed);
        self.0[FINISHED].store(finished.wrapping_add(1), Release);
    }

    /// In ticks.
    #[inline]
    pub(super) fn first_polled(self, waited: u64) {
        self.waited(FIRST_POLL, waited);
    }

    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    /// In nanoseconds.
    #[inline]
    pub(super) fn scheduled(self, waited: u64) {
        self.waited(SCHEDULE, waited);
    }

    #[inline]
    fn waited(self, at: usize, waited: u64) {
        add_alone(&self.0[at], 1);
        add_alone(&self.0[at + 1], waited);
        if waited > self.0[at + 2].load(Relaxed) {
            self.0[at + 2].store(waited, Relaxed);
        }
    }
}

/// Written by one thread alone, read by everybody. It has room for every number that a location can have, or, where no
/// thread writes, for none; memory is taken by the rows that are written.
#[derive(Debug)]
pub(super) struct Table(Vec<[AtomicU64; WORDS]>);

impl Table {
    /// Nobody's.
    pub(super) const fn empty() -> Self {
        Self(Vec::new())
    }

    pub(super) fn new() -> Self {
        Self(sync::zeroed(OTHER + 1))
    }

    /// The row of a number; none in nobody's table. Only the thread that owns the table writes to it.
    #[inline]
    pub(super) fn row(&self, number: usize) -> Option<RowAlone<'_>> {
        self.0.get(number).map(RowAlone)
    }

    /// The locations that have rows of their own, and what their polls took.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static Location<'static>, Row)> {
        let row = |(location, number)| Some((location, self.read(number)?));
        locations::numbered().filter_map(row).filter(|(_, row)| row.polls > 0)
    }

    /// What the polls of a number took.
    pub(super) fn read(&self, number: usize) -> Option<Row> {
        let row = self.0.get(number)?;
        let load = |at: usize| row[at].load(Relaxed);
        let waits = |at| Waits { count: load(at), total: load(at + 1), max: load(at + 2) };
        Some(Row {
            polls: load(POLLS),
            total: load(TOTAL),
            max: load(MAX),
            last: load(LAST),
            first_poll: waits(FIRST_POLL),
            schedule: waits(SCHEDULE),
        })
    }

    /// `(highest length of the bucket in ticks, count)` of the polls of a number.
    pub(super) fn lengths(&self, number: usize) -> impl Iterator<Item = (u64, u64)> {
        let lengths = self.0.get(number).map_or(&[][..], |row| &row[LENGTHS..]);
        lengths.iter().enumerate().filter_map(|(bucket, count)| {
            let count = count.load(Relaxed);
            (count > 0).then(|| (counts::coarse_upper(bucket), count))
        })
    }

    /// Tasks of a number whose end this thread has seen. Acquire: read before the spawns of all threads.
    pub(super) fn finished(&self, number: usize) -> u64 {
        self.0.get(number).map_or(0, |row| row[FINISHED].load(Acquire))
    }

    /// Tasks of a number that this thread has spawned.
    pub(super) fn spawned(&self, number: usize) -> u64 {
        self.0.get(number).map_or(0, |row| row[SPAWNED].load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_is_told_it_tells() {
        let table = Table::new();
        let row = table.row(3).unwrap();
        assert_eq!(row.spawned(), 0);
        row.first_polled(40);
        for (start, ticks, weight) in [(100, 5, 1), (200, 1_000, 64)] {
            row.polled(start, ticks, counts::bucket(ticks), weight);
        }
        row.finished();
        let first_poll = Waits { count: 1, total: 40, max: 40 };
        let expected = Row { polls: 65, total: 64_005, max: 1_000, last: 200, first_poll, ..Row::default() };
        assert_eq!(table.read(3), Some(expected));
        let lengths: Vec<(u64, u64)> = table.lengths(3).collect();
        assert!(matches!(lengths[..], [(5..=7, 1), (1_000..=1_279, 64)]), "{lengths:?}");
        assert_eq!((table.spawned(3), table.finished(3)), (1, 1));
        assert_eq!(table.read(4), Some(Row::default()));
    }

    #[test]
    fn nobody_writes_to_an_empty_table() {
        assert!(Table::empty().row(0).is_none() && Table::empty().read(0).is_none());
    }
}
