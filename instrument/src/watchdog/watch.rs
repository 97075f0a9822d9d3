//! One thread that is watched: whose it is, and what is known of it.

use super::evidence::Readings;
use super::sampled::Sampler;
use super::stalls::Seen;
use super::times::{self, TimesReader};
use crate::recorder::Registered;
use crate::runtime::Runtime;
use std::sync::Arc;

/// A thread that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) registered: Registered,
    pub(super) runtime: Arc<Runtime>,
    pub(super) times: TimesReader,
    pub(super) readings: Readings,
    pub(super) starved_ns: u64,
    pub(super) seen: Option<Seen>,
    /// Writes the cell of a thread that no hook tells of.
    pub(super) sampler: Option<Sampler>,
}

impl Watch {
    pub(super) fn new(registered: Registered, runtime: Arc<Runtime>) -> Self {
        let times = TimesReader::new(registered.thread.tid);
        let sampler = registered.thread.sampled.then(|| Sampler::new(&registered));
        let mut readings = Readings::default();
        // Its first poll may be over before it is looked at.
        let (at_ns, schedstat) = &registered.thread.times;
        if let Some(times) = times::parse(schedstat) {
            readings.push(*at_ns, times);
        }
        Self { registered, runtime, times, readings, starved_ns: 0, seen: None, sampler }
    }

    /// Learns which cell a thread that is looked at from outside writes itself, if it does.
    pub(super) fn set_own(&mut self, registered: &[Registered]) {
        if let Some(sampler) = &mut self.sampler {
            let (tid, mut all) = (self.registered.thread.tid, registered.iter());
            let own = all.find(|other| other.thread.tid == tid && !other.thread.sampled);
            sampler.set_own(own.map(|own| own.cell));
        }
    }

    /// Whether it tells only of a root future, and another one of whatever else the thread does.
    pub(super) fn is_of_root_alone(&self) -> bool {
        self.runtime.is_sampled() && self.sampler.is_none()
    }

    pub(super) fn is_of(&self, thread: &Registered) -> bool {
        std::ptr::eq(self.registered.cell, thread.cell) && self.registered.generation == thread.generation
    }

    pub(super) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub(super) fn runtime_id(&self) -> u64 {
        self.registered.thread.runtime
    }

    /// Whether it takes tasks from the runtime's queues.
    pub(super) fn is_worker_of(&self, runtime: u64) -> bool {
        self.runtime_id() == runtime && self.registered.thread.worker.is_some()
    }

    /// The stall it is in, unless its stack has shown that it is none.
    pub(super) fn stall(&self) -> Option<u64> {
        let seen = self.seen.as_ref().filter(|seen| !self.registered.cell.is_dismissed(seen.open))?;
        seen.stall.as_ref().map(|ongoing| ongoing.id)
    }

    /// Since when it has been at one thing, if that was so at the last look already and it is no other than the runtime's.
    pub(super) fn stuck_since(&self) -> Option<u64> {
        let cell = self.registered.cell;
        let seen =
            self.seen.as_ref().filter(|seen| cell.is_at(seen.open) && !cell.is_dismissed(seen.open))?;
        Some(seen.started_ns)
    }

    /// It is not parked.
    pub(super) fn is_at_something(&self) -> bool {
        self.registered.cell.read().is_some()
    }

    /// Its thread's id, if it is parked.
    pub(super) fn parked(&self) -> Option<i32> {
        self.registered.cell.read().is_none().then_some(self.registered.thread.tid)
    }

    /// For how long it was ready and not run between the last two looks, in nanoseconds.
    pub(super) fn starved_ns(&self) -> u64 {
        self.starved_ns
    }

    /// It has been at one thing for as long as `limit_ns`, and its stack has not been seen.
    pub(super) fn is_unclear(&self, now_ns: u64, limit_ns: u64) -> bool {
        self.seen.as_ref().is_some_and(|seen| {
            let old = now_ns.saturating_sub(seen.started_ns) >= limit_ns;
            old && seen.stall.is_none() && !self.is_elsewhere()
        })
    }

    /// It is at nothing, and rings before it is: one that no hook tells of does not.
    pub(super) fn is_parked(&self) -> bool {
        let cell = self.registered.cell;
        if self.sampler.is_some() { cell.rests() } else { cell.is_parked() }
    }

    /// How often it has parked after polls.
    pub(super) fn worked(&self) -> u64 {
        self.registered.cell.worked()
    }

    /// Its stack has shown that it is not in the runtime.
    pub(super) fn is_elsewhere(&self) -> bool {
        let cell = self.registered.cell;
        self.seen.as_ref().is_some_and(|seen| cell.is_dismissed(seen.open))
    }

    /// When something is to be told of it, in nanoseconds since the start.
    pub(super) fn due_ns(&self) -> Option<u64> {
        let seen = self.seen.as_ref()?;
        // A thread that is silent is looked at as often as any.
        let silent = self.sampler.as_ref().is_some_and(Sampler::is_silent);
        if silent || seen.debugged || self.registered.cell.is_dismissed(seen.open) || !self.may_tell() {
            return None;
        }
        let (excused, length) = match &seen.stall {
            Some(ongoing) => (0, ongoing.next_ns),
            None => (self.excused_ns(seen.started_ns), self.runtime.settings.threshold_ns),
        };
        Some(seen.started_ns.saturating_add(excused).saturating_add(length))
    }

    /// What is found from outside may need more than its length to be told.
    pub(super) fn may_tell(&self) -> bool {
        self.sampler.as_ref().is_none_or(|sampler| sampler.is_ready(&self.runtime))
    }

    /// Whether it is looked at from outside, and has computed for a while.
    pub(super) fn is_suspect(&self) -> bool {
        self.sampler.as_ref().is_some_and(|sampler| sampler.is_suspect(&self.runtime))
    }

    /// How much of a poll that began at `started_ns` lies in the runtime's grace, at most.
    pub(super) fn excused_ns(&self, started_ns: u64) -> u64 {
        self.runtime.grace_ends_ns().saturating_sub(started_ns)
    }
}
