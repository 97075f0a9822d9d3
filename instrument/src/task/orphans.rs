//! The watchdog's look for tasks that nothing can wake.

use super::shared::Shared;
use super::state::TaskState;
use super::tasks;
use super::waiting::Waiting;
use crate::clock;
use stallscope_wire::{Certainty, Line, Orphan};
use std::sync::atomic::Ordering::Relaxed;

/// Tasks that are looked at in one hold of their part of the list, and those in one look altogether.
const AT_ONCE: usize = 64;
const A_LOOK: usize = 4096;
/// The most often that all of them are gone through, in nanoseconds.
const LEAST_NS: u64 = 250_000_000;
const MOST_NS: u64 = 5_000_000_000;

/// Goes through all tasks at a slow pace, a part of them at each look.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// When the next round begins, in nanoseconds since the start.
    due_ns: u64,
    /// Where the round is.
    part: usize,
    from: usize,
}

impl Orphans {
    /// Looks at some tasks, if a round is due, and tells of those that are lost for longer than the limit.
    pub(crate) fn look(&mut self, now_ns: u64, limit_ns: u64, mut tell: impl FnMut(Line)) {
        if now_ns < self.due_ns {
            return;
        }
        let limit = clock::ns_to_ticks(limit_ns);
        let mut left = A_LOOK;
        while left > 0 {
            let now = clock::ticks();
            let seen = |state: &Shared<TaskState>| {
                if let Some(orphan) = lost(state, now, now_ns, limit, limit_ns) {
                    tell(Line::Orphan(orphan));
                }
            };
            match tasks::look(self.part, self.from, AT_ONCE, seen) {
                Some(next) => self.from = next,
                None => {
                    (self.part, self.from) = (self.part + 1, 0);
                    if self.part == tasks::PARTS {
                        self.part = 0;
                        self.due_ns = now_ns + (limit_ns / 4).clamp(LEAST_NS, MOST_NS);
                        return;
                    }
                }
            }
            left = left.saturating_sub(AT_ONCE);
        }
    }
}

/// What is to be told of a task. It must be seen twice to be lost, so that one that is about to be woken by other means than
/// wakers (a runtime that shuts down) is left alone, and in the same turn.
fn lost(state: &Shared<TaskState>, now: u64, now_ns: u64, limit: u64, limit_ns: u64) -> Option<Orphan> {
    let waiting = state.waiting()?;
    let idle = now.saturating_sub(waiting.wakes.polled());
    if !waiting.wakes.rests() || waiting.told.load(Relaxed) {
        return None;
    }
    let turn = TaskState::stranded(state)?;
    let (suspect, since_ns) = (&waiting.suspect.0, &waiting.suspect.1);
    if suspect.swap(turn, Relaxed) != turn {
        since_ns.store(now_ns, Relaxed);
        return None;
    }
    let lost = idle >= limit && now_ns.saturating_sub(since_ns.load(Relaxed)) >= limit_ns;
    lost.then(|| {
        waiting.told.store(true, Relaxed);
        orphan(state, waiting, now, true)
    })
}

/// A task that was told to be lost is gone: it was aborted, or its runtime is shut down.
pub(super) fn gone(state: &TaskState, waiting: &Waiting) -> Line {
    Line::Orphan(orphan(state, waiting, clock::ticks(), false))
}

fn orphan(state: &TaskState, waiting: &Waiting, now: u64, ongoing: bool) -> Orphan {
    Orphan {
        at_ns: clock::now_ns(),
        task: state.id(),
        name: state.name().map(str::to_owned),
        spawned_at: state.spawned_at.to_string(),
        idle_ns: clock::ticks_to_ns(now.saturating_sub(waiting.wakes.polled())),
        ongoing,
        certainty: Certainty::Exact,
        awaits: None,
    }
}
