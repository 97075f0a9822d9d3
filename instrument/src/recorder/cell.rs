//! The cell that a thread writes its polls into.

mod lean;
mod mark;
#[cfg(test)]
mod tests;

use super::counts::{self, Counts, add_alone};
use super::fresh::fresh;
use super::locations;
use super::long::{LongPoll, LongPolls};
use super::mode::{self, CHANGING, LEAN, OFF};
use super::sync::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
use super::table::{Row, RowAlone, Table, address, known};
use crate::clock;
use mark::Mark;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Parks that may lack the begin that goes with them: the first of a thread, and those around a change of its runtime.
const UNMATCHED: u64 = 16;

/// The `owner` of a cell that no thread may write. It has all bits of a mode that changes.
const NOBODY: u32 = u32::MAX;

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
    pub(super) const LEAN: u64 = 1 << 63;

    /// When it began, in ticks; none in mode lean, where [`Cell::start`] knows more.
    pub(crate) fn start(self) -> Option<u64> {
        (self.version & Self::LEAN == 0).then_some(self.version)
    }
}

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

    /// `(highest wait of the bucket in nanoseconds, count)` of all waits from wake to poll.
    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    pub(crate) fn waits(&self) -> impl Iterator<Item = (u64, u64)> {
        self.waits.read()
    }

    /// The thread parks: closes the open record. False as [`Cell::begin`] is.
    pub(super) fn park(&self, probe: u32) -> bool {
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
    pub(super) fn count_begun(&self) {
        add_alone(&self.begun, 1);
    }

    /// The thread, whose record the watchdog writes, parks.
    pub(super) fn rest(&self) {
        add_alone(&self.parks, 1);
    }

    /// The thread, whose record the watchdog writes, is awake.
    pub(super) fn rise(&self) {
        self.begun.store(self.parks.load(Relaxed), Relaxed);
    }

    /// Whether the thread, whose record the watchdog writes, is parked, and tells when it is no longer: not where no hook tells,
    /// nor where the app has taken one of the two.
    pub(crate) fn rests(&self) -> bool {
        self.parks.load(Relaxed).wrapping_sub(self.begun.load(Relaxed)) == 1
    }

    /// Whether the probe's hooks write here, in whatever mode.
    pub(super) fn owned_by(&self, probe: u32) -> bool {
        let owner = self.owner.load(Relaxed);
        owner != NOBODY && owner & !CHANGING == probe
    }

    /// Gives the cell, whose record is closed, to the calling thread.
    pub(super) fn set_owner(&self, probe: u32) {
        self.take_mode(probe);
        self.generation.fetch_add(1, Release);
    }

    /// Closes the record and leaves the cell to the next thread.
    pub(super) fn abandon(&self) {
        self.close();
        self.disown();
    }

    /// Leaves the cell to the next thread, with the record that is open.
    pub(super) fn disown(&self) {
        self.owner.store(NOBODY, Relaxed);
        self.generation.fetch_add(1, Release);
    }

    /// Has the thread [`Cell::adopt`] at its next hook. Anybody calls it.
    pub(super) fn renew(&self) {
        self.owner.fetch_or(CHANGING, Relaxed);
    }

    /// Closes the open record, of whatever mode, and follows the mode that holds now. Only the thread that owns the cell
    /// calls it.
    pub(super) fn adopt(&self, probe: u32) {
        self.hand_over_lean();
        self.close();
        self.take_mode(probe);
    }

    fn take_mode(&self, probe: u32) {
        loop {
            let bits = mode::bits();
            self.prepare_lean(bits == LEAN);
            self.owner.store(probe | bits, Relaxed);
            // Whoever sets another mode stores it, fences, and then renews this cell: either that comes after the store
            // above, or the mode is seen below.
            fence(SeqCst);
            if mode::bits() == bits {
                return;
            }
        }
    }

    /// Closes the open record and opens one. Only the thread that owns the cell calls it.
    #[inline]
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

    /// Grows each time another thread takes the cell.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

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
    pub(super) fn table(&self) -> &Table {
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
