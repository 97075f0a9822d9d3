//! The line that is told of a stall.

use super::found::{Found, attributable_ns};
use super::owner::Owned;
use crate::recorder::task_id;
use crate::watchdog::StallReport;
use stallscope_wire::{Owner, Stack, Stall, Task, Thread};

pub(super) fn line(report: &StallReport, found: &Found, stack: Option<Stack>) -> Stall {
    let owner = match found.owned {
        Owned::By(owner) => owner,
        // Without a stack the record is all there is.
        Owned::Unknown if report.open.task != 0 => Owner::Task,
        Owned::Unknown | Owned::Nobody => Owner::Unknown,
    };
    let spawned = report.open.location.filter(|_| owner == Owner::Task);
    let thread = &report.thread;
    Stall {
        id: report.id,
        at_ns: report.at_ns,
        phase: report.phase,
        started_ns: report.started_ns,
        duration_ns: report.duration_ns,
        attributable_ns: outside_ns(report, attributable_ns(report, found.running)),
        thread: Thread {
            runtime: thread.runtime,
            worker: thread.worker,
            name: thread.name.clone(),
            tid: thread.tid,
        },
        owner,
        task: spawned.zip(task_id(report.open.task)).map(|(at, id)| Task { id, spawned_at: at.to_string() }),
        certainty: found.certainty,
        draft: false,
        cause: found.judged.cause,
        syscall: found.judged.syscall.clone(),
        lock: found.judged.lock.map(str::to_owned),
        evidence: report.evidence.clone(),
        stack,
        serving: report.serving.clone(),
        victims: report.victims.clone(),
        allowed: report.allowed.told.clone(),
    }
}

/// The part of the time that the code answers for in which it was allowed nothing. What the host cost may lie in the other
/// part: no more is taken out than is sure to be neither.
fn outside_ns(report: &StallReport, attributable_ns: u64) -> u64 {
    let counted_ns = report.duration_ns.saturating_sub(report.excused_ns);
    attributable_ns.min(counted_ns.saturating_sub(report.allowed.counted_ns))
}
