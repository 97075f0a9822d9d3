//! The machine did not run the process for as long as a stall takes; information only.

use super::super::finding::rfc3339;
use super::super::history::{HostTimes, overlap};
use super::super::{Cause, Finding, History, Rule, Severity};
use stallscope_wire::Pause;

pub(super) fn finding(histories: &[&History]) -> Option<Finding> {
    let mut finding =
        Finding { rule: Rule::HostPause, severity: Severity::Info, cause: Cause::Host, ..Finding::default() };
    let mut first = u64::MAX;
    for history in histories {
        let times = times(history);
        finding.count += times.count;
        finding.max_ns = finding.max_ns.max(times.max_ns);
        finding.total_ns = finding.total_ns.saturating_add(times.total_ns);
        if let Some(first_ns) = times.first_ns {
            first = first.min(history.header().started_unix_ns.saturating_add(first_ns));
        }
    }
    finding.first_seen = rfc3339(if finding.count > 0 { first } else { 0 });
    (finding.count > 0).then_some(finding)
}

fn times(history: &History) -> HostTimes {
    let (header, pauses) = (history.header(), history.pause_store());
    let mut times = history.stall_store().folded_hosts();
    for pause in pauses.long(header) {
        let length_ns = pause.gap_ns.min(host_part(history, pause));
        if length_ns >= header.threshold_ns.max(1) {
            times.note(pause.at_ns.saturating_sub(pause.gap_ns), length_ns);
        }
    }
    for record in history.stalls().filter(|record| record.blames_host()) {
        // A pause that the watchdog saw too is one event, not two.
        if !pauses.overlap(header, record) {
            times.note(record.stall.started_ns, record.stall.duration_ns);
        }
    }
    times
}

/// How much of a pause can be the process's: the code that blocked meanwhile answers for the rest, and no time is told of
/// as both.
fn host_part(history: &History, pause: &Pause) -> u64 {
    let blocked = history.stalls().filter(|record| !record.blames_host() && overlap(pause, record));
    let host = blocked.map(|record| record.stall.duration_ns.saturating_sub(record.stall.attributable_ns));
    host.min().unwrap_or(u64::MAX)
}
