//! One thread's stalls: begin, progress, end.

mod ends;
mod report;
mod seen;

pub(crate) use report::StallReport;
pub(super) use seen::{Ongoing, Seen, Wanted};

use super::allowed::Allowing;
use super::behind::{Behind, Waits};
use super::debugger;
use super::evidence::{InKernel, Known, Span, evidence};
use super::host::Host;
use super::outbox::Outbox;
use super::sampled::Sampler;
use super::watch::Watch;
use crate::capture::Capturer;
use crate::clock;
use crate::diagnosis::Report;
use crate::recorder::Registered;
use crate::serving;
use stallscope_wire::{Evidence, Phase};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many looks a capture that failed is tried again at; and as many more each time that the stall has become twice as long.
/// A thread that waits for a processor is asked until it runs.
pub(super) const CAPTURE_TRIES: u32 = 8;

/// A record that is older than this when it is seen first was seen late.
const LATE_SIGHT_NS: u64 = 40_000_000;

/// What the watchdog knows when it looks at a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) now_ns: u64,
    /// The part of the time since it looked last in which it should have run, and was neither run nor ready to.
    pub(super) gap_ns: u64,
    pub(super) behind: Behind,
    pub(super) host: &'a Host,
}

impl Watch {
    pub(super) fn look(&mut self, look: Look<'_>, capturer: &mut Option<Capturer>, reports: &mut Outbox<'_>) {
        self.starved_ns = 0;
        if let Some(sampler) = &mut self.sampler {
            sampler.look(&self.registered, &self.runtime, capturer, reports);
        }
        self.settle_ended(look, reports);
        // The cell may have gone to another thread since the threads were listed: first the record, then whose it is.
        let Registered { cell, generation, .. } = self.registered;
        let open = cell.read().filter(|_| cell.generation() == generation);
        self.read_times();
        if self.seen.as_ref().is_some_and(|seen| Some(seen.open) != open) {
            // It may have ended after the ends were read.
            self.settle_ended(look, reports);
            self.drop_seen(look, reports);
        }
        let Some(open) = open else { return };
        if let Some(seen) = &mut self.seen {
            let tasks = self.runtime.queue_behind(self.registered.thread.worker, look.behind.all);
            seen.waits.note(look.now_ns, tasks, look.behind);
            seen.in_kernel.note(self.times.state(), self.readings.last());
            seen.host.get_or_insert_with(|| look.host.now());
        } else {
            let start = self.registered.cell.sight(open);
            let started_ns = clock::tick_to_at_ns(start);
            let late = look.now_ns.saturating_sub(started_ns) > LATE_SIGHT_NS;
            let base = self.readings.base(Span { started_ns, ended_ns: u64::MAX });
            let host = late.then(|| look.host.before());
            let waits = Waits::since(started_ns);
            self.seen = Some(Seen {
                open,
                start,
                started_ns,
                base,
                in_kernel: InKernel::default(),
                host,
                gap_ns: 0,
                waits,
                allowing: Allowing::new(&self.registered, open),
                debugged: false,
                stall: None,
            });
        }
        if let Some(seen) = &mut self.seen {
            seen.allowing.look(&self.registered);
        }
        if !self.registered.cell.is_dismissed(open) {
            self.follow(look, capturer, reports);
        }
    }

    /// Reports a stall that goes on, when it is due.
    fn follow(&mut self, look: Look<'_>, capturer: &mut Option<Capturer>, reports: &mut Outbox<'_>) {
        let threshold = self.runtime.settings.threshold_ns;
        let Some(seen) = self.seen.as_mut().filter(|seen| !seen.debugged) else { return };
        seen.gap_ns = seen.gap_ns.max(look.gap_ns);
        let (open, start, started_ns) = (seen.open, seen.start, seen.started_ns);
        let length = look.now_ns.saturating_sub(started_ns);
        let Some(seen) = &self.seen else { return };
        let excused = self.excused_ns(started_ns).min(length);
        let quiet_until_ns = seen.stall.as_ref().map(|ongoing| match ongoing.tries_left {
            0 if !seen.allowing.wants_stack(start, excused, length, threshold) => ongoing.next_ns,
            _ => 0,
        });
        let phase = match quiet_until_ns {
            None if length - excused < threshold => {
                if length >= threshold {
                    self.registered.cell.time_end(open);
                }
                return;
            }
            None => Phase::Begin,
            Some(quiet_until_ns) if length < quiet_until_ns => return,
            Some(_) => Phase::Progress,
        };
        if !self.may_tell() {
            return;
        }
        if phase == Phase::Begin && debugger::holds(self.registered.thread.tid) {
            self.seen.iter_mut().for_each(|seen| seen.debugged = true);
            debugger::gap().map(Report::Unseen).into_iter().for_each(|unseen| reports.tell(unseen));
            return;
        }
        let mut captured = match capturer {
            Some(capturer) => match capturer.capture(&self.registered, open) {
                Some(captured) => Some(captured),
                // It ended just now, or its stack is on its way; the next look tells.
                None => return,
            },
            None => None,
        };
        if let Some(sampler) = &mut self.sampler
            && !sampler.confirms(&self.registered, &self.runtime, open, captured.as_ref())
        {
            if sampler.gives_up() {
                reports.lose_stack();
            }
            return;
        }
        let has_stack = captured.as_ref().is_some_and(|captured| captured.stack.is_some());
        let silent = captured.as_ref().is_some_and(|captured| captured.silent);
        let Some(seen) = &self.seen else { return };
        let (evidence, _) = self.evidence(seen, length, look.host);
        let Some(seen) = &mut self.seen else { return };
        let seen_outside = seen.allowing.seen_outside();
        let shows_allowed = !seen.allowing.shows_outside(&self.registered);
        if shows_allowed && seen_outside {
            // The culprit of the part that counts is known.
            captured = None;
        }
        let ongoing = seen.stall.get_or_insert_with(|| {
            self.registered.cell.time_end(open);
            let stack = if capturer.is_some() { Wanted::Yes } else { Wanted::No };
            Ongoing { id: next_id(), next_ns: threshold, tries_left: 0, stack, serving: None }
        });
        if ongoing.serving.is_none() {
            ongoing.serving = serving::by(self.registered.thread.tid, started_ns);
        }
        let due = length >= ongoing.next_ns;
        if has_stack {
            (ongoing.tries_left, ongoing.stack) = (0, Wanted::No);
        } else if due && ongoing.stack != Wanted::No {
            ongoing.tries_left = CAPTURE_TRIES;
        }
        if ongoing.tries_left > 0 && !silent {
            ongoing.tries_left -= 1;
            if ongoing.tries_left == 0 && ongoing.stack == Wanted::Yes {
                ongoing.stack = Wanted::Lost;
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
            handed_over: self.runtime.runs_elsewhere(&self.registered.thread),
            settled: false,
            captured,
            serving: ongoing.serving.clone(),
            victims: seen.waits.victims.clone(),
            ticks: None,
            sampled: self.sampler.as_mut().map(Sampler::grounds),
            allowed: seen.allowing.part(start, clock::ticks(), excused),
            shows_allowed,
        };
        reports.tell(Report::Stall(Box::new(report)));
    }

    /// Reads the thread's times; those of a thread that seems parked too, since one that is not run while it changes its
    /// record seems to be, and one that is may have been woken and not run.
    fn read_times(&mut self) {
        // A thread that has ended has no times any more: those that were read before are what is known.
        if let Some((at_ns, times)) = self.times.read() {
            self.starved_ns += self.readings.push(at_ns, times);
        }
    }

    fn evidence(&self, seen: &Seen, length: u64, host: &Host) -> (Evidence, bool) {
        let now = host.now();
        evidence(Known {
            span: Span { started_ns: seen.started_ns, ended_ns: seen.started_ns.saturating_add(length) },
            base: seen.base,
            readings: &self.readings,
            in_kernel: seen.in_kernel,
            host: seen.host.as_ref().map(|then| (&**then, &*now)),
            gap_ns: seen.gap_ns,
        })
    }
}

/// Never 0.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}
