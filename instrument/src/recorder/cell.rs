//! The cell that a thread writes its polls into.

use super::counts::{Counts, add_alone};
use super::long::{LongPoll, LongPolls};
use super::sync::{AtomicPtr, AtomicU32, AtomicU64, fence};
use super::table::{Row, Table, address, known};
use crate::clock;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The `owner` of a cell that no thread may write.
const NOBODY: u32 = u32::MAX;

/// A record that is open: what a thread has been at since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    /// When it began, in ticks. Tells records of one cell apart.
    pub(crate) start: u64,
    /// The task's id as [`super::task_bits`] makes it; 0 for none.
    pub(crate) task: u64,
    /// Where the task was spawned; none when the thread polls no task that a hook told of.
    pub(crate) location: Option<&'static Location<'static>>,
}

/// One writer, the thread that owns it; anybody reads. Cells are never freed: one whose thread is gone is used again.
///
/// The open record is a seqlock whose version is `start`, which never repeats: 0 while there is none or it changes.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Cell {
    /// Written by the thread: when the open record began, 0 for none. Release, after the two below.
    start: AtomicU64,
    /// Written by the thread.
    task: AtomicU64,
    /// Written by the thread.
    location: AtomicPtr<Location<'static>>,
    /// Written by the watchdog: records of this many ticks are long.
    long_after: AtomicU64,
    /// Written at registration: the probe whose hooks may write here. The hooks compare it.
    owner: AtomicU32,
    /// Written at registration; grows each time another thread takes the cell.
    generation: AtomicU32,
    /// Written by the diagnosis: the last record that is a stall, by its start, and the stall's id. Release, the start last.
    stall: AtomicU64,
    stalled: AtomicU64,
    /// Written by the diagnosis: the start of the last record that its stack showed to be no stall.
    dismissed: AtomicU64,
    /// Written by the thread.
    parks: AtomicU64,
    counts: Counts,
    table: Table,
    long: LongPolls,
}

impl Cell {
    pub(crate) const fn new() -> Self {
        Self {
            start: AtomicU64::new(0),
            task: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
            long_after: AtomicU64::new(u64::MAX),
            owner: AtomicU32::new(NOBODY),
            generation: AtomicU32::new(0),
            stall: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            dismissed: AtomicU64::new(0),
            counts: Counts::new(),
            table: Table::new(),
            long: LongPolls::new(),
        }
    }

    #[inline]
    pub(super) fn owned_by(&self, probe: u32) -> bool {
        self.owner.load(Relaxed) == probe
    }

    pub(super) fn set_owner(&self, probe: u32) {
        self.owner.store(probe, Relaxed);
        self.generation.fetch_add(1, Release);
    }

    /// Closes the record and leaves the cell to the next thread.
    pub(super) fn abandon(&self) {
        self.close();
        self.set_owner(NOBODY);
    }

    /// Closes the open record and opens one. Only the thread that owns the cell calls it.
    #[inline]
    pub(crate) fn turn(&self, task: u64, location: Option<&'static Location<'static>>) {
        let now = clock::ticks();
        self.book(now);
        // Release as in `close`: a record that is seen gone was handed over.
        self.start.store(0, Release);
        // The two stores below must not be seen before the 0 above, nor after the start that follows.
        fence(Release);
        self.task.store(task, Relaxed);
        self.location.store(address(location), Relaxed);
        self.start.store(now, Release);
    }

    /// Closes the open record. Only the thread that owns the cell calls it.
    #[inline]
    pub(super) fn close(&self) {
        self.book(clock::ticks());
        // Whoever sees the record closed finds it among the long ones, if it was long.
        self.start.store(0, Release);
    }

    /// Closes the open record: the thread parks.
    pub(super) fn park(&self) {
        self.close();
        add_alone(&self.parks, 1);
    }

    /// How often the thread has parked.
    pub(crate) fn parks(&self) -> u64 {
        self.parks.load(Relaxed)
    }

    /// Forgets the open record unbooked, and opens nobody's: a root future that no hook tells of may follow. Only the
    /// thread that owns the cell calls it.
    pub(super) fn cancel(&self) {
        self.start.store(0, Relaxed);
        self.turn(0, None);
    }

    #[inline]
    fn book(&self, now: u64) {
        let start = self.start.load(Relaxed);
        if start == 0 {
            return;
        }
        let (ticks, location) = (now.saturating_sub(start), self.location.load(Relaxed));
        if ticks >= self.long_after.load(Relaxed) {
            // A long record is booked by the stack that was captured, not here: it may have outlived its poll.
            return self.hand_over(start, now);
        }
        if !location.is_null() {
            self.counts.record_alone(ticks);
            self.table.add_alone(location, ticks);
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_over(&self, start: u64, end: u64) {
        let open =
            Open { start, task: self.task.load(Relaxed), location: known(self.location.load(Relaxed)) };
        self.long.push(LongPoll { open, end });
    }

    /// The open record; none when the thread is parked, or is just changing it.
    pub(crate) fn read(&self) -> Option<Open> {
        let start = self.start.load(Acquire);
        let open =
            Open { start, task: self.task.load(Relaxed), location: known(self.location.load(Relaxed)) };
        // The two loads above must not be done after the check below.
        fence(Acquire);
        (start != 0 && self.start.load(Acquire) == start).then_some(open)
    }

    /// Whether `open` is still the open record.
    pub(crate) fn is_at(&self, open: Open) -> bool {
        self.start.load(Acquire) == open.start
    }

    /// The next long poll that is over. Only the watchdog calls it.
    pub(crate) fn next_long(&self) -> Option<LongPoll> {
        self.long.pop()
    }

    /// Sets from when on a record is long, in ticks.
    pub(crate) fn set_long_after(&self, ticks: u64) {
        self.long_after.store(ticks, Relaxed);
    }

    /// Grows each time another thread takes the cell.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    /// The stall that a record is.
    pub(crate) fn stall(&self, open: Open) -> Option<u64> {
        let marked = self.stalled.load(Acquire) == open.start;
        let id = self.stall.load(Relaxed);
        // As in `read`: the mark may go to another record meanwhile.
        fence(Acquire);
        (marked && self.stalled.load(Relaxed) == open.start).then_some(id)
    }

    /// Marks a record as a stall. Only the diagnosis calls it.
    pub(crate) fn set_stall(&self, open: Open, id: u64) {
        self.stalled.store(0, Relaxed);
        fence(Release);
        self.stall.store(id, Relaxed);
        self.stalled.store(open.start, Release);
    }

    /// Marks a record as no stall, however long. Only the diagnosis calls it.
    pub(crate) fn dismiss(&self, open: Open) {
        self.dismissed.store(open.start, Relaxed);
    }

    /// Whether a record was found to be no stall.
    pub(crate) fn is_dismissed(&self, open: Open) -> bool {
        self.dismissed.load(Relaxed) == open.start
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
        self.table.other()
    }

    /// Long polls that found the queue to the watchdog full.
    pub(crate) fn lost(&self) -> u64 {
        self.long.lost()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Option<&'static Location<'static>> {
        Some(Location::caller())
    }

    #[test]
    fn a_turn_books_the_poll_before_it() {
        let cell = Cell::new();
        let spawn = here();
        cell.turn(1, spawn);
        cell.turn(2, spawn);
        assert_eq!(cell.read().map(|open| open.task), Some(2));
        cell.close();
        assert_eq!(cell.read(), None);
        assert_eq!(cell.rows().map(|(_, row)| row.polls).sum::<u64>(), 2);
    }

    #[test]
    fn time_outside_of_tasks_is_booked_to_nobody() {
        let cell = Cell::new();
        cell.turn(0, None);
        cell.close();
        assert_eq!(cell.rows().count(), 0);
        assert_eq!(cell.counts().count(), 0);
    }

    #[test]
    fn a_long_record_goes_to_the_watchdog_and_not_into_the_table() {
        let cell = Cell::new();
        cell.set_long_after(0);
        cell.turn(7, here());
        cell.close();
        assert_eq!(cell.rows().count(), 0);
        let long = cell.next_long().expect("the poll was handed over");
        assert_eq!(long.open.task, 7);
        assert!(long.end >= long.open.start);
    }

    #[test]
    fn a_cancelled_record_leaves_no_trace() {
        let cell = Cell::new();
        cell.turn(1, here());
        cell.cancel();
        cell.turn(2, here());
        cell.cancel();
        assert_eq!(
            cell.read().map(|open| (open.task, open.location)),
            Some((0, None)),
            "what follows is seen"
        );
        cell.close();
        assert_eq!(cell.rows().count(), 0);
    }
}
