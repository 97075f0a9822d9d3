//! The polls that were long, handed to the watchdog one by one.

use super::cell::Open;
use super::sync::{self, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
use super::table::{address, known};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Long polls that may wait for the watchdog. A power of two; at a threshold of 10 ms this is more than half a second.
const ROOM: usize = sync::size(64, 2);

/// A poll that is over and was longer than its cell's limit; in mode lean, one whose end was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LongPoll {
    pub(crate) open: Open,
    pub(crate) end: u64,
    /// Tells which of the threads that have had the cell it was.
    pub(crate) generation: u32,
    /// How often the thread had parked before.
    pub(crate) parks: u64,
}

impl LongPoll {
    /// Its length in ticks; none when nothing but its end was timed.
    pub(crate) fn ticks(&self) -> Option<u64> {
        self.open.start().map(|start| self.end.saturating_sub(start))
    }
}

#[derive(Debug)]
struct Slot {
    version: AtomicU64,
    end: AtomicU64,
    task: AtomicU64,
    location: AtomicPtr<Location<'static>>,
    generation: AtomicU32,
    parks: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self {
            version: AtomicU64::new(0),
            end: AtomicU64::new(0),
            task: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
            generation: AtomicU32::new(0),
            parks: AtomicU64::new(0),
        }
    }

    fn read(&self) -> LongPoll {
        LongPoll {
            open: Open {
                version: self.version.load(Relaxed),
                task: self.task.load(Relaxed),
                location: known(self.location.load(Relaxed)),
            },
            end: self.end.load(Relaxed),
            generation: self.generation.load(Relaxed),
            parks: self.parks.load(Relaxed),
        }
    }
}

/// A queue with one writer, the worker, and one reader, the watchdog. Never blocks: what finds it full is counted.
#[derive(Debug)]
pub(super) struct LongPolls {
    slots: [Slot; ROOM],
    /// Written by the worker with release: what is below it is written.
    written: AtomicUsize,
    /// Written by the watchdog with release: what is below it may be overwritten.
    taken: AtomicUsize,
    /// Written by the worker.
    lost: AtomicU64,
    /// Written by the watchdog: what nobody wanted any more.
    unclaimed: AtomicU64,
}

impl LongPolls {
    pub(super) const fn new() -> Self {
        Self {
            slots: [const { Slot::new() }; ROOM],
            written: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            unclaimed: AtomicU64::new(0),
        }
    }

    /// Called by the worker alone.
    pub(super) fn push(&self, poll: LongPoll) {
        let written = self.written.load(Relaxed);
        if written.wrapping_sub(self.taken.load(Acquire)) >= ROOM {
            super::counts::add_alone(&self.lost, 1);
            return;
        }
        let slot = &self.slots[written % ROOM];
        slot.version.store(poll.open.version, Relaxed);
        slot.end.store(poll.end, Relaxed);
        slot.task.store(poll.open.task, Relaxed);
        slot.location.store(address(poll.open.location), Relaxed);
        slot.generation.store(poll.generation, Relaxed);
        slot.parks.store(poll.parks, Relaxed);
        self.written.store(written.wrapping_add(1), Release);
    }

    /// The next one, which stays. Called by the watchdog alone.
    fn first(&self) -> Option<LongPoll> {
        let taken = self.taken.load(Relaxed);
        if taken == self.written.load(Acquire) {
            return None;
        }
        Some(self.slots[taken % ROOM].read())
    }

    /// The one that was handed over last, taken or not. Called by the worker alone.
    #[cfg(feature = "http")]
    pub(super) fn last(&self) -> Option<LongPoll> {
        let written = self.written.load(Relaxed);
        (written != 0).then(|| self.slots[written.wrapping_sub(1) % ROOM].read())
    }

    /// Takes the next one of a thread; those of threads before it, which nobody has asked for, are counted. Called by the
    /// watchdog alone.
    pub(super) fn pop(&self, generation: u32) -> Option<LongPoll> {
        while let Some(poll) = self.first() {
            let ahead = generation.wrapping_sub(poll.generation);
            if ahead > u32::MAX / 2 {
                // Of a thread that came later.
                return None;
            }
            self.taken.store(self.taken.load(Relaxed).wrapping_add(1), Release);
            if ahead == 0 {
                return Some(poll);
            }
            super::counts::add_alone(&self.unclaimed, 1);
        }
        None
    }

    /// Takes them all. Called by the watchdog alone.
    pub(super) fn clear(&self) {
        self.taken.store(self.written.load(Acquire), Release);
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.taken.load(Acquire) == self.written.load(Acquire)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed) + self.unclaimed.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(start: u64) -> LongPoll {
        poll_of(0, start)
    }

    fn poll_of(generation: u32, start: u64) -> LongPoll {
        LongPoll {
            open: Open { version: start, task: 0, location: None },
            end: start + 1,
            generation,
            parks: 0,
        }
    }

    #[test]
    fn a_full_queue_keeps_the_oldest_and_counts_the_rest() {
        let queue = LongPolls::new();
        for start in 0..ROOM as u64 + 3 {
            queue.push(poll(start));
        }
        let taken: Vec<u64> = std::iter::from_fn(|| queue.pop(0)).map(|poll| poll.open.version).collect();
        assert_eq!(taken, (0..ROOM as u64).collect::<Vec<_>>());
        assert_eq!(queue.lost(), 3);
    }

    #[test]
    fn each_thread_has_its_own_and_what_nobody_asked_for_is_counted() {
        let queue = LongPolls::new();
        for (generation, start) in [(u32::MAX, 1), (1, 3), (3, 5), (3, 7)] {
            queue.push(poll_of(generation, start));
        }
        let next = |generation| queue.pop(generation).map(|poll| poll.open.version);
        assert_eq!((next(u32::MAX), next(u32::MAX)), (Some(1), None));
        assert_eq!((next(3), next(3), next(3)), (Some(5), Some(7), None));
        assert!(queue.is_empty());
        assert_eq!(queue.lost(), 1);
    }
}
