//! What has been found of a stall, and what its cause is judged by.

use super::cause::{self, Case, Judged};
use super::owner::Owned;
use super::sights::Sights;
use crate::watchdog::StallReport;
use stallscope_wire::{Certainty, Frame, Phase, Stall};

/// A watchdog that is run looks at a poll within this time from when it is a stall, in nanoseconds.
const LOOKS_WITHIN_NS: u64 = 50_000_000;

/// What has been found of a stall.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) owned: Owned,
    pub(super) judged: Judged,
    /// The call that the thread was last seen in.
    pub(super) call: Option<Judged>,
    /// The call that it was seen at, running.
    pub(super) wrapper: Option<Judged>,
    pub(super) sights: Sights,
    /// It ran, or was ready to, when it was looked at last.
    pub(super) running: bool,
    /// Functions and files of the culprit's stack, for the cause.
    pub(super) frames: Vec<Frame>,
    pub(super) culprit: Option<u32>,
    /// What was told last, without the stack.
    pub(super) told: Option<Stall>,
    /// All that was told had no names.
    pub(super) draft: bool,
    pub(super) certainty: Certainty,
    /// Its stack shows what the code allows itself, and not the rest.
    pub(super) shows_allowed: bool,
}

impl Found {
    /// The call to judge by. One that the thread was seen at while it ran says something only of a thread that runs: one that
    /// waits for a processor may have been put aside there, and the kernel books that wait when it is over.
    pub(super) fn call_at(&self, report: &StallReport) -> Option<&Judged> {
        let evidence = &report.evidence;
        let runs = report.phase == Phase::End || evidence.cpu_ns >= evidence.window_ns / 10;
        self.call.as_ref().or_else(|| self.wrapper.as_ref().filter(|_| runs))
    }
}

/// What there is to judge the cause of a stall by.
pub(super) fn case<'a>(report: &'a StallReport, found: &'a Found) -> Case<'a> {
    Case {
        evidence: &report.evidence,
        attributable_ns: attributable_ns(report, found.running),
        threshold_ns: report.threshold_ns,
        call: found.call_at(report),
        at_call: found.sights.are_at_calls(),
        still_at_call: report.phase != Phase::End && found.sights.are_at_calls_alone(),
        running: found.running,
        settled: report.settled,
        unseen: false,
    }
}

/// Its record is that of a root future which is polled through ours.
pub(super) fn is_roots(report: &StallReport) -> bool {
    report.open.task == 0 && report.open.location.is_some()
}

/// Its end is the first that is known of it.
pub(super) fn is_unseen(report: &StallReport, found: &Found) -> bool {
    report.phase == Phase::End && found.told.is_none()
}

/// It lasted so long that a watchdog which is run would have looked at it.
pub(super) fn is_missed(report: &StallReport) -> bool {
    report.duration_ns.saturating_sub(report.excused_ns)
        >= report.threshold_ns.saturating_add(LOOKS_WITHIN_NS)
}

pub(super) fn attributable_ns(report: &StallReport, running: bool) -> u64 {
    cause::attributable_ns(report.duration_ns, report.excused_ns, &report.evidence, running)
}
