//! When a task was polled and woken, as its waker, the thread that polls it and the watchdog share it.

use super::sync::{AtomicU64, fence};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// A task is polled by one thread at a time; anybody wakes it; the watchdog only reads.
#[derive(Debug)]
pub(super) struct Wakes {
    /// Written by who polls: grows when a poll begins and when it ends, so it is odd while one goes on;
    /// and stays 0 until the first ends.
    turns: AtomicU64,
    /// Written by who polls: the tick of the last poll that is over.
    polled: AtomicU64,
    /// Written by who wakes, and taken by the next poll: the tick of the first wake since then; 0 for none.
    woken: AtomicU64,
}

impl Wakes {
    pub(super) const fn new() -> Self {
        Self { turns: AtomicU64::new(0), polled: AtomicU64::new(0), woken: AtomicU64::new(0) }
    }

    /// A poll begins. When the task was woken for it, in ticks, where that is known.
    #[inline]
    pub(super) fn begin(&self) -> Option<u64> {
        let turns = self.turns.load(Relaxed);
        if turns == 0 {
            // Nobody has a waker yet, and nobody looks.
            return None;
        }
        self.turns.store(turns + 1, Relaxed);
        // With Release, so that whoever sees the wake gone sees the turn that took it.
        let woken = self.woken.swap(0, AcqRel);
        (woken != 0).then_some(woken)
    }

    /// The poll, of the tick `now`, ends without the task's being over. Whether the task was woken during it.
    #[inline]
    pub(super) fn end(&self, now: u64) -> bool {
        self.polled.store(now, Relaxed);
        // With Release, so that whoever sees it sees the clones of the waker that the poll has made.
        self.turns.store((self.turns.load(Relaxed) | 1) + 1, Release);
        self.woken.load(Relaxed) != 0
    }

    /// Somebody wakes the task, and will have it polled after this.
    #[inline]
    pub(super) fn wake(&self, now: u64) {
        let _ = self.woken.compare_exchange(0, now, Release, Relaxed);
    }

    /// The tick of the last poll that is over; 0 before the first.
    pub(super) fn polled(&self) -> u64 {
        self.polled.load(Relaxed)
    }

    /// Whether a poll has ended and none has begun since.
    pub(super) fn rests(&self) -> bool {
        let turns = self.turns.load(Relaxed);
        turns != 0 && turns.is_multiple_of(2)
    }

    /// If the task rests, was not woken, and is not `held` by any waker at one and the same time: the turn that it rests
    /// in. Then it stays so until something other than a waker ends it: a clone is made in a poll, or of another clone.
    pub(super) fn stranded(&self, held: impl FnOnce() -> bool) -> Option<u64> {
        let turn = self.turns.load(Acquire);
        if turn == 0 || !turn.is_multiple_of(2) || held() {
            return None;
        }
        // A waker wakes before it lets go: who sees it gone sees the wake, or the turn that took it.
        fence(Acquire);
        let unwoken = self.woken.load(Acquire) == 0;
        (unwoken && self.turns.load(Acquire) == turn).then_some(turn)
    }
}
