//! One thread's stalls: begin, progress, end.

use super::debugger;
use super::outbox::Outbox;
use super::sampled::{Sampled, Sampler};
use super::times::{Times, TimesReader};
use crate::capture::{Captured, Capturer};
use crate::clock;
use crate::diagnosis::Report;
use crate::recorder::{Cell, LongPoll, Open, Registered, Thread};
use crate::runtime::Runtime;
use stallscope_wire::{Evidence, Phase, Victims};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many looks a capture that failed is tried again at.
const CAPTURE_TRIES: u32 = 8;

/// A record that is older than this when it is seen first was seen late.
const LATE_SIGHT_NS: u64 = 40_000_000;

/// What the watchdog knows when it looks at a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) now_ns: u64,
    /// Since it looked last.
    pub(super) elapsed_ns: u64,
    /// The part of that in which it should have run and was not.
    pub(super) gap_ns: u64,
    /// No thread of the runtime is free, so that what waits in the injection queue waits too.
    pub(super) behind_all: bool,
    /// A probe waits, so that the times of a parked thread matter too: it may have been woken and not run.
    pub(super) awaited: bool,
}

/// A stall as seen, without names.
#[derive(Debug)]
pub(crate) struct StallReport {
    pub(crate) id: u64,
    pub(crate) phase: Phase,
    pub(crate) cell: &'static Cell,
    pub(crate) open: Open,
    pub(crate) thread: Thread,
    pub(crate) at_ns: u64,
    pub(crate) started_ns: u64,
    pub(crate) duration_ns: u64,
    /// The part that lies in the runtime's start-up grace.
    pub(crate) excused_ns: u64,
    pub(crate) threshold_ns: u64,
    pub(crate) evidence: Evidence,
    /// New since the last report.
    pub(crate) captured: Option<Captured>,
    pub(crate) victims: Victims,
    /// The whole length in ticks, at the end.
    pub(crate) ticks: Option<u64>,
    /// Of a thread that is looked at from outside.
    pub(crate) sampled: Option<Sampled>,
}

/// A thread that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    registered: Registered,
    runtime: Arc<Runtime>,
    times: TimesReader,
    /// When the times were read last, and what they were.
    last: Option<(u64, Times)>,
    /// The reading before that.
    previous: Option<(u64, Times)>,
    starved_ns: u64,
    seen: Option<Seen>,
    /// Writes the cell of a thread that no hook tells of.
    sampler: Option<Sampler>,
}

/// The open record that was seen at the last look.
#[derive(Debug)]
struct Seen {
    open: Open,
    started_ns: u64,
    /// When watching it began, and the thread's times then.
    base: Option<(u64, Times)>,
    /// The longest time since then that the watchdog itself was not run.
    gap_ns: u64,
    stall: Option<Ongoing>,
}

#[derive(Debug)]
struct Ongoing {
    id: u64,
    /// The length at which it is reported next, in nanoseconds.
    next_ns: u64,
    tries_left: u32,
    victims: Victims,
}

impl Watch {
    pub(super) fn new(registered: Registered, runtime: Arc<Runtime>) -> Self {
        registered.cell.set_long_after(clock::ns_to_ticks(runtime.settings.threshold_ns));
        let times = TimesReader::new(registered.thread.tid);
        let sampler = registered.thread.sampled.then(|| Sampler::new(&registered));
        Self { registered, runtime, times, last: None, previous: None, starved_ns: 0, seen: None, sampler }
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

    pub(super) fn is_stalled(&self) -> bool {
        self.stall().is_some()
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

    /// Its stack has shown that it is not in the runtime.
    pub(super) fn is_elsewhere(&self) -> bool {
        let cell = self.registered.cell;
        self.seen.as_ref().is_some_and(|seen| cell.is_dismissed(seen.open))
    }

    /// When something is to be told of it, in nanoseconds since the start.
    pub(super) fn due_ns(&self) -> Option<u64> {
        let seen = self.seen.as_ref()?;
        if self.registered.cell.is_dismissed(seen.open) {
            return None;
        }
        if !self.may_tell() {
            return None;
        }
        let (excused, length) = match &seen.stall {
            Some(ongoing) => (0, ongoing.next_ns),
            None => (self.excused_ns(seen.started_ns), self.runtime.settings.threshold_ns),
        };
        Some(seen.started_ns.saturating_add(excused).saturating_add(length))
    }

    /// What is found from outside may need more than its length to be told.
    fn may_tell(&self) -> bool {
        self.sampler.as_ref().is_none_or(|sampler| sampler.is_ready(&self.runtime))
    }

    /// Whether it is looked at from outside, and has computed for a while.
    pub(super) fn is_suspect(&self) -> bool {
        self.sampler.as_ref().is_some_and(|sampler| sampler.is_suspect(&self.runtime))
    }

    /// How much of a poll that began at `started_ns` lies in the runtime's grace, at most.
    fn excused_ns(&self, started_ns: u64) -> u64 {
        self.runtime.grace_ends_ns().saturating_sub(started_ns)
    }

    pub(super) fn look(&mut self, look: Look, capturer: &mut Option<Capturer>, reports: &mut Outbox<'_>) {
        if let Some(sampler) = &mut self.sampler {
            sampler.look(&self.registered, &self.runtime, capturer, reports);
        }
        self.settle_ended(look, reports);
        let open = self.registered.cell.read();
        self.read_times(look.now_ns, open.is_some() || look.awaited);
        if self.seen.as_ref().is_some_and(|seen| Some(seen.open) != open) {
            // It may have ended after the ends were read.
            self.settle_ended(look, reports);
            self.drop_seen(look.now_ns, reports);
        }
        let Some(open) = open else { return };
        if self.seen.is_none() {
            let started_ns = clock::tick_to_at_ns(open.start);
            // Seen late, it has spent its time already: what was read before it began is nearer to its beginning.
            let late = look.now_ns.saturating_sub(started_ns) > LATE_SIGHT_NS;
            let base = if late { self.previous.or(self.last) } else { self.last };
            self.seen = Some(Seen { open, started_ns, base, gap_ns: 0, stall: None });
        }
        if !self.registered.cell.is_dismissed(open) {
            self.follow(look, capturer, reports);
        }
    }

    /// Reports a stall that goes on, when it is due.
    fn follow(&mut self, look: Look, capturer: &mut Option<Capturer>, reports: &mut Outbox<'_>) {
        let threshold = self.runtime.settings.threshold_ns;
        let Some(seen) = &mut self.seen else { return };
        seen.gap_ns = seen.gap_ns.max(look.gap_ns);
        let (open, started_ns) = (seen.open, seen.started_ns);
        let length = look.now_ns.saturating_sub(started_ns);
        let excused = self.excused_ns(started_ns).min(length);
        let ongoing = self.seen.as_mut().and_then(|seen| seen.stall.as_mut());
        let phase = match ongoing {
            None if length - excused < threshold => return,
            None => Phase::Begin,
            Some(ongoing) => {
                let depth = self.runtime.queue_behind(self.registered.thread.worker, look.behind_all);
                ongoing.victims.tasks = ongoing.victims.tasks.max(depth);
                let delay_ns = depth.saturating_mul(look.elapsed_ns);
                ongoing.victims.delay_ns = ongoing.victims.delay_ns.saturating_add(delay_ns);
                if length < ongoing.next_ns && ongoing.tries_left == 0 {
                    return;
                }
                Phase::Progress
            }
        };
        if !self.may_tell() {
            return;
        }
        if phase == Phase::Begin && debugger::is_attached() {
            // Somebody looks at it, at a breakpoint.
            return;
        }
        let captured = match capturer {
            Some(capturer) => match capturer.capture(&self.registered, open) {
                Some(captured) => Some(captured),
                // It ended just now; the next look tells.
                None => return,
            },
            None => None,
        };
        if let Some(sampler) = &mut self.sampler
            && !sampler.confirms(&self.registered, &self.runtime, open, captured.as_ref())
        {
            return;
        }
        let has_stack = captured.as_ref().is_some_and(|captured| captured.stack.is_some());
        let evidence = self.evidence(length);
        let Some(seen) = &mut self.seen else { return };
        let ongoing = seen.stall.get_or_insert_with(|| {
            let tries_left = if capturer.is_some() { CAPTURE_TRIES } else { 0 };
            Ongoing { id: next_id(), next_ns: threshold, tries_left, victims: Victims::default() }
        });
        let due = length >= ongoing.next_ns;
        if has_stack {
            ongoing.tries_left = 0;
        } else if ongoing.tries_left > 0 {
            ongoing.tries_left -= 1;
            if ongoing.tries_left == 0 {
                reports.lose_stack();
            }
        }
        while length >= ongoing.next_ns {
            ongoing.next_ns = ongoing.next_ns.saturating_mul(2);
        }
        if phase == Phase::Progress && !due && !has_stack {
            return;
        }
        let report = StallReport {
            id: ongoing.id,
            phase,
            cell: self.registered.cell,
            open,
            thread: self.registered.thread.clone(),
            at_ns: look.now_ns,
            started_ns,
            duration_ns: length,
            excused_ns: excused,
            threshold_ns: self.runtime.settings.threshold_ns,
            evidence,
            captured,
            victims: ongoing.victims.clone(),
            ticks: None,
            sampled: self.sampler.as_mut().map(Sampler::grounds),
        };
        reports.tell(Report::Stall(Box::new(report)));
    }

    /// Reports the ends of the long polls that are over.
    fn settle_ended(&mut self, look: Look, reports: &mut Outbox<'_>) {
        while let Some(poll) = self.registered.cell.next_long() {
            let started_ns = clock::tick_to_at_ns(poll.open.start);
            let length = clock::ticks_to_ns(poll.end.saturating_sub(poll.open.start));
            let excused = self.excused_ns(started_ns).min(length);
            let mut seen = self.seen.take_if(|seen| seen.open == poll.open);
            if let Some(seen) = &mut seen {
                seen.gap_ns = seen.gap_ns.max(look.gap_ns);
            }
            let ongoing = seen.as_mut().and_then(|seen| seen.stall.take());
            let report = if ongoing.is_some() || length - excused >= self.runtime.settings.threshold_ns {
                let ongoing = ongoing.unwrap_or_else(|| {
                    // It came and went between two looks: the watchdog was not run.
                    reports.lose_stack();
                    Ongoing { id: next_id(), next_ns: 0, tries_left: 0, victims: Victims::default() }
                });
                self.read_times(look.now_ns, true);
                let seen = seen.unwrap_or(Seen {
                    open: poll.open,
                    started_ns,
                    base: None,
                    gap_ns: look.gap_ns,
                    stall: None,
                });
                Report::Stall(Box::new(self.ended(&seen, ongoing, look.now_ns, length, excused, poll)))
            } else if self.runtime.is_current_thread() {
                // The record may have been left open by a `block_on` that returned, and no stack was captured to tell.
                continue;
            } else {
                Report::LongPoll(poll)
            };
            reports.tell(report);
        }
    }

    fn ended(
        &self,
        seen: &Seen,
        ongoing: Ongoing,
        now_ns: u64,
        length: u64,
        excused: u64,
        poll: LongPoll,
    ) -> StallReport {
        StallReport {
            id: ongoing.id,
            phase: Phase::End,
            cell: self.registered.cell,
            open: poll.open,
            thread: self.registered.thread.clone(),
            at_ns: now_ns,
            started_ns: seen.started_ns,
            duration_ns: length,
            excused_ns: excused,
            threshold_ns: self.runtime.settings.threshold_ns,
            evidence: self.evidence_of(seen, length),
            captured: None,
            victims: ongoing.victims,
            ticks: Some(poll.end.saturating_sub(poll.open.start)),
            sampled: self.sampler.as_ref().map(|_| Sampled::default()),
        }
    }

    /// The record that was seen is gone. A stall among them that no long poll told of was cancelled, or found its queue full.
    fn drop_seen(&mut self, now_ns: u64, reports: &mut Outbox<'_>) {
        let Some(mut seen) = self.seen.take() else { return };
        let Some(ongoing) = seen.stall.take() else { return };
        let length = now_ns.saturating_sub(seen.started_ns);
        let excused = self.excused_ns(seen.started_ns).min(length);
        let poll = LongPoll { open: seen.open, end: seen.open.start };
        let mut report = self.ended(&seen, ongoing, now_ns, length, excused, poll);
        report.ticks = None;
        reports.tell(Report::Stall(Box::new(report)));
    }

    /// The thread is gone.
    pub(super) fn close(&mut self, now_ns: u64, reports: &mut Outbox<'_>) {
        let look = Look { now_ns, elapsed_ns: 0, gap_ns: 0, behind_all: false, awaited: false };
        self.settle_ended(look, reports);
        self.drop_seen(now_ns, reports);
    }

    /// Reads the thread's times, unless it was parked at this look and the last: then they have not changed.
    fn read_times(&mut self, now_ns: u64, busy: bool) {
        self.starved_ns = 0;
        if !busy && self.seen.is_none() && self.last.is_some() {
            return;
        }
        // A thread that has ended has no times any more: those that were read before are what is known.
        let Some(times) = self.times.read() else { return };
        if let Some((_, before)) = self.last {
            self.starved_ns = (times - before).run_queue_ns;
        }
        self.previous = self.last.replace((now_ns, times));
    }

    fn evidence(&self, length: u64) -> Evidence {
        self.seen.as_ref().map(|seen| self.evidence_of(seen, length)).unwrap_or_default()
    }

    /// Where the thread's time went since watching began, and never more than `length`.
    fn evidence_of(&self, seen: &Seen, length: u64) -> Evidence {
        let gap = seen.gap_ns.min(length);
        let (Some((since, base)), Some((until, last))) = (seen.base, self.last) else {
            return Evidence { watchdog_gap_ns: gap, ..Evidence::default() };
        };
        let window_ns = until.saturating_sub(since).min(length);
        let spent = last - base;
        let cpu_ns = spent.cpu_ns.min(window_ns);
        let run_queue_ns = spent.run_queue_ns.min(window_ns - cpu_ns);
        Evidence {
            window_ns,
            cpu_ns,
            run_queue_ns,
            blocked_ns: window_ns - cpu_ns - run_queue_ns,
            watchdog_gap_ns: gap,
        }
    }
}

/// Never 0.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}
