//! The cell that a thread writes its polls into.

mod lean;
mod mark;
mod open;
mod owner;
mod parks;
#[cfg(test)]
mod tests;
mod totals;

use super::counts::{self, Counts};
use super::fresh::fresh;
use super::locations;
use super::long::{LongPoll, LongPolls};
use super::mode::{CHANGING, LEAN, OFF};
use super::sync::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
use super::table::{RowAlone, Table, address, known};
use crate::clock;
use mark::Mark;
pub(crate) use open::Open;
use owner::NOBODY;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// One writer, the thread that owns it, or the watchdog where it is that which finds out what the thread is at; anybody
/// reads. Cells are never freed: one whose thread is gone is used again.
///
/// The open record is a seqlock. Its version is 0 while there is none; while it changes, it is 0 in mode full, and not what
/// `turns` says in mode lean.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Cell {
    /// Written by the thread: the open record's, 0 for none. Release, after the two below.
    version: AtomicU64,
    /// Written by the thread.
    task: AtomicU64,
    /// Written by the thread.
    location: AtomicPtr<Location<'static>>,
    /// Written at registration, and by the watchdog once it knows the clock: records of this many ticks are long.
    long_after: AtomicU64,
    /// Written at registration and when the mode changes: the probe whose hooks may write here, and the bits of the mode.
    /// The hooks compare it.
    owner: AtomicU32,
    /// Written at registration; grows each time another thread takes the cell.
    generation: AtomicU32,
    /// Written by the thread in mode lean: the number of the last record. Its low bits lead to the next poll that is timed.
    turns: AtomicU64,
    /// Written by the thread in mode lean: when the poll that is timed began, in ticks, and for how many it stands.
    timed: AtomicU64,
    gap: AtomicU64,
    /// Written by the thread in mode lean: polls that others stand for.
    untimed: AtomicU64,
    /// Written by the thread: how often it parked, how often after polls, and how often it began something other than a poll.
    parks: AtomicU64,
    worked: AtomicU64,
    begun: AtomicU64,
    /// Written by the watchdog: at which tick it first saw the last record of mode lean that it saw.
    sighted: Mark,
    /// Written by the diagnosis: the id of the last record that is a stall.
    stall: Mark,
    /// Written by the diagnosis: the last record that its stack showed to be no stall.
    dismissed: AtomicU64,
    /// Written by the thread: when it was last between two polls, in ticks.
    between: AtomicU64,
    /// Written by the thread, which alone reads it: the location whose number it looked up last, and that number. A task's spawn,
    /// first poll and end mostly concern one location.
    looked_up: AtomicPtr<Location<'static>>,
    number: AtomicUsize,
    counts: Counts,
    /// Written by the thread: what tasks waited from wake to poll, in nanoseconds.
    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    waits: Counts,
    table: Table,
    long: LongPolls,
}

impl Cell {
    /// A thread's.
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), ..Self::nobodys() }
    }

    /// One that no thread ever owns.
    pub(super) const fn nobodys() -> Self {
        Self {
            version: AtomicU64::new(0),
            task: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
            long_after: AtomicU64::new(u64::MAX),
            owner: AtomicU32::new(NOBODY),
            generation: AtomicU32::new(0),
            turns: AtomicU64::new(0),
            timed: AtomicU64::new(0),
            gap: AtomicU64::new(0),
            untimed: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            worked: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            sighted: Mark::new(),
            stall: Mark::new(),
            dismissed: AtomicU64::new(0),
            between: AtomicU64::new(0),
            looked_up: AtomicPtr::new(ptr::null_mut()),
            number: AtomicUsize::new(0),
            counts: Counts::new(),
            #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
            waits: Counts::new(),
            table: Table::empty(),
            long: LongPolls::new(),
        }
    }

    /// The thread begins a poll, or with task 0 something else: closes the open record and opens one. False when the cell
    /// is not the probe's, or the thread has to [`Cell::adopt`] a mode first. Only the thread that owns the cell calls it.
    #[inline(always)]
    pub(super) fn begin(&self, probe: u32, task: u64, location: Option<&'static Location<'static>>) -> bool {
        let state = self.owner.load(Relaxed) ^ probe;
        if state == 0 {
            self.turn(task, location);
            if task != 0 && fresh().holds(task) {
                let spawned = fresh().take(task);
                if spawned != 0 {
                    self.first_poll(spawned);
                }
            }
        } else if state == LEAN {
            self.turn_lean(task, location);
        } else {
            return state == OFF;
        }
        true
    }

    /// The record that was just opened is the first poll of a task that was spawned at this tick.
    #[cold]
    #[inline(never)]
    fn first_poll(&self, spawned: u64) {
        if let Some(row) = self.row(self.number(self.location.load(Relaxed))) {
            row.first_polled(self.version.load(Relaxed).saturating_sub(spawned));
        }
    }

    /// The task that is polled waited since it was woken. Only in mode full, for the probe that owns the cell.
    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    pub(super) fn book_wait(&self, probe: u32, location: &'static Location<'static>, waited_ns: u64) {
        if self.owner.load(Relaxed) != probe {
            return;
        }
        self.waits.record_alone(counts::bucket(waited_ns), 1);
        if let Some(row) = self.row(self.number(address(Some(location)))) {
            row.scheduled(waited_ns);
        }
    }

    /// Closes the open record and opens one. Only the thread that owns the cell calls it.
    // Inlined it would cost the other modes a third more instructions: the registers that it needs.
    #[inline(never)]
    pub(crate) fn turn(&self, task: u64, location: Option<&'static Location<'static>>) {
        let now = clock::ticks();
        self.book(now);
        // Release as in `close`: a record that is seen gone was handed over.
        self.version.store(0, Release);
        // The two stores below must not be seen before the 0 above, nor after the version that follows.
        fence(Release);
        self.task.store(task, Relaxed);
        self.location.store(address(location), Relaxed);
        self.version.store(now, Release);
    }

    /// Closes the open record, of whatever mode. Only the thread that owns the cell calls it.
    pub(super) fn close(&self) {
        if self.version.load(Relaxed) & Open::LEAN == 0 {
            self.book(clock::ticks());
        } else {
            self.end_timed();
        }
        // Whoever sees the record closed finds it among the long ones, if it was long.
        self.version.store(0, Release);
    }

    /// Forgets the open record unbooked, and opens nobody's: a root future that no hook tells of may follow. Only the
    /// thread that owns the cell calls it.
    pub(super) fn cancel(&self) {
        match self.owner.load(Relaxed) & CHANGING {
            0 => {
                self.version.store(0, Relaxed);
                self.turn(0, None);
            }
            LEAN => self.cancel_lean(),
            _ => self.version.store(0, Relaxed),
        }
    }

    #[inline]
    fn book(&self, now: u64) {
        let start = self.version.load(Relaxed);
        if start == 0 {
            return;
        }
        let (ticks, location) = (now.saturating_sub(start), self.location.load(Relaxed));
        if ticks >= self.long_after.load(Relaxed) {
            // A long record is booked by the stack that was captured, not here: it may have outlived its poll.
            return self.hand_over(start, now);
        }
        if !location.is_null() {
            self.count(location, start, ticks, 1);
        }
    }

    /// Counts a poll that stands for `weight` polls.
    #[inline]
    fn count(&self, location: *mut Location<'static>, start: u64, ticks: u64, weight: u64) {
        let bucket = counts::bucket(ticks);
        self.counts.record_alone(bucket, weight);
        if let Some(row) = self.table.row(self.number(location)) {
            row.polled(start, ticks, bucket, weight);
        }
    }

    /// The number of a location, which is not null. Only the thread that owns the cell calls it, or, where none does, anybody.
    #[inline]
    pub(super) fn number(&self, location: *mut Location<'static>) -> usize {
        if self.looked_up.load(Relaxed) == location {
            return self.number.load(Relaxed);
        }
        self.look_up(location)
    }

    #[inline(never)]
    fn look_up(&self, location: *mut Location<'static>) -> usize {
        let number = locations::number(location);
        // Nobody's cell is used by many threads.
        if self.table.row(number).is_some() {
            self.looked_up.store(location, Relaxed);
            self.number.store(number, Relaxed);
        }
        number
    }

    /// Whether the open record is a poll of this task. Only the thread that owns the cell calls it.
    #[cfg(tokio_unstable)]
    #[inline]
    pub(super) fn is_polling(&self, task: u64) -> bool {
        self.task.load(Relaxed) == task && self.version.load(Relaxed) != 0
    }

    /// What the thread has seen of the tasks of a location's number; none for a cell that no thread owns. Only the thread
    /// that owns the cell writes there.
    #[inline]
    pub(super) fn row(&self, number: usize) -> Option<RowAlone<'_>> {
        self.table.row(number)
    }

    #[cold]
    #[inline(never)]
    fn hand_over(&self, version: u64, end: u64) {
        let open =
            Open { version, task: self.task.load(Relaxed), location: known(self.location.load(Relaxed)) };
        let (generation, parks) = (self.generation.load(Relaxed), self.parks.load(Relaxed));
        self.long.push(LongPoll { open, end, generation, parks });
    }

    /// The thread is between two polls. Only the thread that owns the cell calls it.
    pub(super) fn beat(&self) {
        self.between.store(clock::ticks(), Relaxed);
    }

    /// When the thread was last known to be between two polls, in ticks.
    pub(crate) fn between(&self) -> u64 {
        self.between.load(Relaxed)
    }

    /// The last long poll that is over, with when it began, in ticks, where that is known. Only the thread that owns the cell
    /// calls it.
    #[cfg(feature = "http")]
    pub(super) fn last_long(&self) -> Option<(u64, LongPoll)> {
        let poll = self.long.last()?;
        Some((self.start(poll.open)?, poll))
    }

    /// The next long poll that is over, of the thread that the generation tells. Only the watchdog calls it.
    pub(crate) fn next_long(&self, generation: u32) -> Option<LongPoll> {
        self.long.pop(generation)
    }

    /// Forgets the long polls that are over. Only the watchdog calls it.
    pub(crate) fn forget_long(&self) {
        self.long.clear();
    }

    /// Whether all long polls that are over were taken.
    pub(super) fn has_told(&self) -> bool {
        self.long.is_empty()
    }

    /// Sets from when on a record is long, in ticks.
    pub(crate) fn set_long_after(&self, ticks: u64) {
        self.long_after.store(ticks, Relaxed);
    }
}
