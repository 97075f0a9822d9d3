//! What the threads of a pool are at: their stacks, a few at a time.

use super::super::outbox::Outbox;
use crate::capture::{Capturer, RawStack};
use crate::clock;
use crate::recorder::{self, Cell, Open, Registered, Thread};

/// How many threads are looked at.
const THREADS: usize = 16;
/// How long they are asked for their stacks, in nanoseconds: one that computes may wait for a processor.
const PATIENCE_NS: u64 = 100_000_000;

/// How often a stack that could not be had is asked for again.
const TRIES: u32 = 4;

/// Looks at the threads of one pool at a time.
#[derive(Debug, Default)]
pub(super) struct Crew {
    /// Made when they are needed first, and never freed: a handler that comes late may still read one. No thread writes them.
    cells: Vec<&'static Cell>,
    asked: Vec<Asked>,
    stacks: Vec<RawStack>,
    /// The runtime whose pool is looked at, and when that began.
    at: Option<(u64, u64)>,
    /// Where in the list of threads the last look began.
    turn: usize,
}

/// A thread that has not shown its stack yet.
#[derive(Debug)]
struct Asked {
    thread: Registered,
    open: Open,
    tries_left: u32,
}

impl Crew {
    /// The runtime whose pool is looked at.
    pub(super) fn at(&self) -> Option<u64> {
        self.at.map(|(runtime, _)| runtime)
    }

    /// Begins to look at the threads of a runtime's pool that are no workers.
    pub(super) fn begin(&mut self, runtime: u64, now_ns: u64) {
        self.at = Some((runtime, now_ns));
        let workers = recorder::registered();
        let is_worker = |thread: &Thread| {
            workers.iter().any(|other| other.thread.tid == thread.tid && other.thread.worker.is_some())
        };
        let mut threads = recorder::pool_threads(runtime);
        threads.retain(|thread| !is_worker(thread));
        if threads.is_empty() {
            return;
        }
        let (count, all) = (threads.len().min(THREADS), threads.len());
        self.turn += 1;
        for at in 0..count {
            // Spread over them all, and others the next time.
            let thread = threads[(at * all / count + self.turn) % all].clone();
            if self.cells.len() <= at {
                self.cells.push(Box::leak(Box::new(Cell::new())));
            }
            let cell = self.cells[at];
            cell.observe(Some(clock::ticks()));
            let generation = cell.generation();
            let thread = Registered { cell, generation, thread };
            self.asked.extend(cell.read().map(|open| Asked { thread, open, tries_left: TRIES }));
        }
    }

    /// Takes in the stacks that are there; whether there are no more to come.
    pub(super) fn look(
        &mut self,
        now_ns: u64,
        capturer: &mut Option<Capturer>,
        reports: &Outbox<'_>,
    ) -> bool {
        let Some((capturer, (_, since_ns))) = capturer.as_mut().zip(self.at) else {
            self.leave();
            return true;
        };
        let stacks = &mut self.stacks;
        self.asked.retain_mut(|asked| {
            // Without an answer it is on its way.
            let Some(captured) = capturer.capture_idly(&asked.thread, asked.open) else { return true };
            asked.tries_left -= u32::from(!captured.silent);
            let again = captured.stack.is_none() && asked.tries_left > 0;
            if !again {
                asked.thread.cell.observe(None);
                captured.stack.is_none().then(|| reports.lose_stack());
            }
            stacks.extend(captured.stack);
            again
        });
        if now_ns.saturating_sub(since_ns) >= PATIENCE_NS {
            self.asked.iter().for_each(|_| reports.lose_stack());
            self.leave();
        }
        self.asked.is_empty()
    }

    /// Ends the look at a runtime's pool; the stacks that were had, none if it is another's that is looked at.
    pub(super) fn end_of(&mut self, runtime: u64) -> Vec<RawStack> {
        if self.at() != Some(runtime) {
            return Vec::new();
        }
        self.leave();
        self.at = None;
        std::mem::take(&mut self.stacks)
    }

    /// Whoever has not answered is asked no more.
    fn leave(&mut self) {
        self.asked.drain(..).for_each(|asked| asked.thread.cell.observe(None));
    }
}
