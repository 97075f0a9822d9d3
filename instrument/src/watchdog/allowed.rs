//! How much of what a thread is at its code allows itself, and which stacks show the rest.

use crate::allow::{self, Under};
use crate::clock;
use crate::recorder::{Open, Registered, Scope};
use std::thread;

/// Stacks of the part that is not allowed that are asked for, where the first ones show the part that is.
const TRIES: u32 = 32;
/// How often the end of a poll is looked at again while the thread writes, which takes it some nanoseconds if it is run.
const PATIENCE: u32 = 100;

/// The allowances of a record.
#[derive(Debug)]
pub(super) struct Allowing {
    scope: Scope,
    /// As last read.
    under: Under,
    /// What the thread was under at the last two looks, as [`Under::position`] has it; none where that is not known.
    looks: [Option<(u64, bool)>; 2],
    /// A stack was captured outside of it.
    seen_outside: bool,
    tries: u32,
}

/// What of a poll was allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) told: Option<stallscope_wire::Allowed>,
    /// Of that what does not lie in the start-up grace, in nanoseconds.
    pub(crate) counted_ns: u64,
}

impl Allowing {
    pub(super) fn new(of: &Registered, open: Open) -> Self {
        let parked = || Scope::since_park(of.cell.parks());
        let scope = if of.thread.sampled { parked() } else { Scope::of_record(open) };
        Self { scope, under: Under::default(), looks: [None; 2], seen_outside: false, tries: TRIES }
    }

    /// Sees what the thread is under now.
    pub(super) fn look(&mut self, of: &Registered) {
        let now = self.read(of);
        self.looks = [self.looks[1], now];
    }

    fn read(&mut self, of: &Registered) -> Option<(u64, bool)> {
        if !allow::any() {
            return Some((0, false));
        }
        self.under = allow::look(of.thread.id, self.scope)?;
        Some(self.under.position())
    }

    /// The same once the poll is over.
    pub(super) fn settle(&mut self, of: &Registered) {
        for _ in 0..PATIENCE {
            if self.read(of).is_some() {
                return;
            }
            thread::yield_now();
        }
    }

    /// Whether a stack that is had now shows what is not allowed: the thread may have been looked at at any time since the look
    /// before the last one.
    pub(super) fn shows_outside(&mut self, of: &Registered) -> bool {
        let now = self.read(of);
        let [before, last] = self.looks;
        let stayed = last == now && before.is_none_or(|before| Some(before) == now);
        let outside = stayed && now.is_some_and(|(_, under)| !under);
        self.seen_outside |= outside;
        self.tries = self.tries.saturating_sub(1);
        outside
    }

    /// Whether a stack of the other part is had.
    pub(super) fn seen_outside(&self) -> bool {
        self.seen_outside
    }

    /// Whether the part that is not allowed is as long as a stall, and no stack shows it.
    pub(super) fn wants_stack(&self, start: u64, excused_ns: u64, length_ns: u64, threshold_ns: u64) -> bool {
        let under_now = self.looks[1].is_none_or(|(_, under)| under);
        if self.seen_outside || under_now || self.tries == 0 {
            return false;
        }
        let part = self.part(start, clock::ticks(), excused_ns);
        part.told.is_some() && (length_ns - excused_ns).saturating_sub(part.counted_ns) >= threshold_ns
    }

    /// What was allowed from one tick to the other, of which the beginning is excused anyway.
    pub(super) fn part(&self, start: u64, end: u64, excused_ns: u64) -> Part {
        let counted = self.under.within(start.saturating_add(clock::ns_to_ticks(excused_ns)), end);
        Part { told: self.under.within(start, end), counted_ns: counted.map_or(0, |allowed| allowed.ns) }
    }
}
