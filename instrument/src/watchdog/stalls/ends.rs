//! How a stall ends: its poll is over, its record is gone, or its thread is.

use super::{Look, Ongoing, Seen, StallReport, Wanted, next_id};
use crate::clock;
use crate::diagnosis::Report;
use crate::recorder::LongPoll;
use crate::watchdog::allowed::Allowing;
use crate::watchdog::behind::{Behind, Waits};
use crate::watchdog::evidence::{InKernel, Span};
use crate::watchdog::host::Host;
use crate::watchdog::outbox::Outbox;
use crate::watchdog::sampled::Sampled;
use crate::watchdog::watch::Watch;
use stallscope_wire::Phase;

impl Watch {
    /// Reports the ends of the long polls that are over.
    pub(super) fn settle_ended(&mut self, look: Look<'_>, reports: &mut Outbox<'_>) {
        while let Some(poll) = self.registered.cell.next_long(self.registered.generation) {
            // In mode lean it may have been too short to be seen.
            let Some(start) = self.registered.cell.start(poll.open) else { continue };
            let started_ns = clock::tick_to_at_ns(start);
            let length = clock::ticks_to_ns(poll.end.saturating_sub(start));
            let excused = self.excused_ns(started_ns).min(length);
            let mut seen = self.seen.take_if(|seen| seen.open == poll.open);
            if seen.as_ref().is_some_and(|seen| seen.debugged) {
                continue;
            }
            if let Some(seen) = &mut seen {
                seen.gap_ns = seen.gap_ns.max(look.gap_ns);
            }
            let ongoing = seen.as_mut().and_then(|seen| seen.stall.take());
            if !self.registered.cell.is_dismissed(poll.open) {
                ongoing.iter().for_each(|ongoing| ongoing.end(reports));
            }
            let report = if ongoing.is_some() || length - excused >= self.runtime.settings.threshold_ns {
                let ongoing = ongoing.unwrap_or_else(|| {
                    // It came and went between two looks: the watchdog was not run.
                    reports.lose_stack();
                    Ongoing { id: next_id(), next_ns: 0, tries_left: 0, stack: Wanted::No, serving: None }
                });
                self.read_times();
                let mut seen = seen.unwrap_or_else(|| Seen {
                    open: poll.open,
                    start,
                    started_ns,
                    base: self
                        .readings
                        .base(Span { started_ns, ended_ns: started_ns.saturating_add(length) }),
                    in_kernel: InKernel::default(),
                    host: Some(look.host.before()),
                    gap_ns: look.gap_ns,
                    waits: Waits::since(started_ns),
                    allowing: Allowing::new(&self.registered, poll.open),
                    debugged: false,
                    stall: None,
                });
                seen.allowing.settle(&self.registered);
                Report::Stall(Box::new(self.ended(seen, ongoing, look, length, excused, poll)))
            } else if length < self.runtime.settings.threshold_ns {
                // Handed over when its end was asked for in mode lean, or before the clock was known.
                Report::LongPoll(poll)
            } else {
                self.runtime.excuse(length);
                if self.runtime.is_current_thread() {
                    // The record may have been left open by a `block_on` that returned, and no stack was captured to tell.
                    continue;
                }
                Report::LongPoll(poll)
            };
            reports.tell(report);
        }
    }

    fn ended(
        &self,
        seen: Seen,
        ongoing: Ongoing,
        look: Look<'_>,
        length: u64,
        excused: u64,
        poll: LongPoll,
    ) -> StallReport {
        let (evidence, settled) = self.evidence(&seen, length, look.host);
        let ended = seen.start.saturating_add(clock::ns_to_ticks(length));
        StallReport {
            id: ongoing.id,
            phase: Phase::End,
            cell: self.registered.cell,
            open: poll.open,
            thread: self.registered.thread.clone(),
            at_ns: clock::now_ns(),
            started_ns: seen.started_ns,
            duration_ns: length,
            excused_ns: excused,
            threshold_ns: self.runtime.settings.threshold_ns,
            evidence,
            settled,
            handed_over: false,
            captured: None,
            serving: ongoing.serving,
            ticks: Some(poll.end.saturating_sub(seen.start)),
            allowed: seen.allowing.part(seen.start, ended, excused),
            shows_allowed: false,
            victims: seen.waits.end(seen.started_ns.saturating_add(length)),
            sampled: self.sampler.as_ref().map(|_| Sampled::default()),
        }
    }

    /// The record that was seen is gone. A stall among them that no long poll told of was cancelled, or found its queue full.
    pub(super) fn drop_seen(&mut self, look: Look<'_>, reports: &mut Outbox<'_>) {
        let Some(mut seen) = self.seen.take() else { return };
        let Some(ongoing) = seen.stall.take() else { return };
        if !self.registered.cell.is_dismissed(seen.open) {
            ongoing.end(reports);
        }
        seen.allowing.settle(&self.registered);
        let length = clock::now_ns().saturating_sub(seen.started_ns);
        let excused = self.excused_ns(seen.started_ns).min(length);
        let generation = self.registered.generation;
        let poll = LongPoll { open: seen.open, end: seen.start, generation, parks: 0 };
        let mut report = self.ended(seen, ongoing, look, length, excused, poll);
        report.ticks = None;
        reports.tell(Report::Stall(Box::new(report)));
    }

    /// The thread is gone.
    pub(in super::super) fn close(&mut self, now_ns: u64, host: &Host, reports: &mut Outbox<'_>) {
        let look = Look { now_ns, gap_ns: 0, behind: Behind::NOTHING, host };
        self.settle_ended(look, reports);
        self.drop_seen(look, reports);
        if self.sampler.is_some() {
            // Nobody follows the record any more.
            self.registered.cell.observe(None);
        }
    }
}
