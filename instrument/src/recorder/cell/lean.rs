//! Mode lean: a record has a number in place of a time, and one poll in about 64 is timed.
//!
//! The low bits of a record's number count up to the poll that is timed, where they are 0. What is no poll leaves them as
//! they are. How many polls lie between two timed ones is drawn anew each time, since a program's tasks may take turns in
//! step with any fixed number; each timed poll is booked for as many as it took to come to it, so that their sum is right.

use super::{Cell, Open};
use crate::clock;
use crate::recorder::counts::add_alone;
use crate::recorder::sync::fence;
use crate::recorder::table::address;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// The bits that lead to the next timed poll.
const PHASE: u64 = CYCLE - 1;
const CYCLE: u64 = 128;
/// Polls from one timed poll to the next: at least, and less than this many more.
const SHORTEST: u64 = 32;
const SPREAD_BITS: u32 = 6;

impl Cell {
    /// [`Cell::turn`] of mode lean.
    #[inline]
    pub(super) fn turn_lean(&self, task: u64, location: Option<&'static Location<'static>>) {
        let number = self.turns.load(Relaxed) + 1;
        if number & PHASE <= 1 || location.is_none() {
            // The last thing that is done, so that the hook has nothing to save for it.
            return self.turn_lean_timed(task, address(location));
        }
        self.open_lean(number, task, address(location));
    }

    /// The record before is a poll that is timed, or the one that begins, or it is no poll.
    #[cold]
    #[inline(never)]
    fn turn_lean_timed(&self, task: u64, location: *mut Location<'static>) {
        self.end_timed();
        let step = if location.is_null() { CYCLE } else { 1 };
        let number = self.turns.load(Relaxed) + step;
        if number & PHASE == 0 {
            self.timed.store(clock::ticks(), Relaxed);
        }
        self.open_lean(number, task, location);
    }

    #[inline]
    fn open_lean(&self, number: u64, task: u64, location: *mut Location<'static>) {
        self.turns.store(number, Relaxed);
        // The two stores below must not be seen before the number above, nor after the version that follows.
        fence(Release);
        self.task.store(task, Relaxed);
        self.location.store(location, Relaxed);
        self.version.store(Open::LEAN | number, Release);
    }

    /// Books the open record, if it is a poll that is timed, and draws when the next one is.
    pub(super) fn end_timed(&self) {
        let version = self.version.load(Relaxed);
        if version & Open::LEAN == 0 || version & PHASE != 0 {
            return;
        }
        let now = clock::ticks();
        let timed = self.timed.load(Relaxed);
        let ticks = now.saturating_sub(timed);
        // A long one is booked by the diagnosis.
        if ticks < self.long_after.load(Relaxed) {
            let (location, weight) = (self.location.load(Relaxed), self.gap.load(Relaxed));
            self.count(location, timed, ticks, weight);
            add_alone(&self.untimed, weight - 1);
        }
        let drawn = now.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SPREAD_BITS);
        self.lead_to_timed(SHORTEST + drawn);
    }

    /// The poll to be timed next is the `gap`th from now.
    fn lead_to_timed(&self, gap: u64) {
        self.gap.store(gap, Relaxed);
        let next_cycle = (self.turns.load(Relaxed) | PHASE) + 1;
        self.turns.store(next_cycle + CYCLE - gap, Relaxed);
    }

    /// Mode lean begins with a poll that is timed, so that a program of few polls is not taken for one that was not seen.
    pub(super) fn prepare_lean(&self, lean: bool) {
        if !lean {
            self.gap.store(0, Relaxed);
        } else if self.gap.load(Relaxed) == 0 {
            self.lead_to_timed(1);
        }
    }

    /// [`Cell::cancel`] of mode lean: the poll is none of those that are counted.
    pub(super) fn cancel_lean(&self) {
        self.open_lean(self.turns.load(Relaxed) + CYCLE - 1, 0, ptr::null_mut());
    }

    /// Tells the watchdog when the open record ended, which may have asked for it.
    pub(super) fn hand_over_lean(&self) {
        let version = self.version.load(Relaxed);
        if version & Open::LEAN != 0 {
            self.hand_over(version, clock::ticks());
            // Whoever sees by the number, which changes below, that the record is gone finds it handed over.
            fence(Release);
        }
    }
}
