//! The polls that were long, handed to the watchdog one by one.

use super::cell::Open;
use super::sync::{self, AtomicPtr, AtomicU64, AtomicUsize};
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
}

impl Slot {
    const fn new() -> Self {
        Self {
            version: AtomicU64::new(0),
            end: AtomicU64::new(0),
            task: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
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
}

impl LongPolls {
    pub(super) const fn new() -> Self {
        Self {
            slots: [const { Slot::new() }; ROOM],
            written: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
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
        self.written.store(written.wrapping_add(1), Release);
    }

    /// Called by the watchdog alone.
    pub(super) fn pop(&self) -> Option<LongPoll> {
        let taken = self.taken.load(Relaxed);
        if taken == self.written.load(Acquire) {
            return None;
        }
        let slot = &self.slots[taken % ROOM];
        let poll = LongPoll {
            open: Open {
                version: slot.version.load(Relaxed),
                task: slot.task.load(Relaxed),
                location: known(slot.location.load(Relaxed)),
            },
            end: slot.end.load(Relaxed),
        };
        self.taken.store(taken.wrapping_add(1), Release);
        Some(poll)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(start: u64) -> LongPoll {
        LongPoll { open: Open { version: start, task: 0, location: None }, end: start + 1 }
    }

    #[test]
    fn a_full_queue_keeps_the_oldest_and_counts_the_rest() {
        let queue = LongPolls::new();
        for start in 0..ROOM as u64 + 3 {
            queue.push(poll(start));
        }
        let taken: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|poll| poll.open.version).collect();
        assert_eq!(taken, (0..ROOM as u64).collect::<Vec<_>>());
        assert_eq!(queue.lost(), 3);
    }
}
