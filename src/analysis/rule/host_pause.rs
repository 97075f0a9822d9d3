//! The machine did not run the process for as long as a stall takes; information only.

use super::super::finding::rfc3339;
use super::super::history::{HostTimes, host_time};
use super::super::{Cause, Finding, History, Rule, Severity};

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
    let (header, pauses, stalls) = (history.header(), history.pause_store(), history.stall_store());
    let mut times = stalls.folded_hosts();
    times.add(pauses.folded());
    for (start_ns, length_ns) in pauses.long(header).filter_map(|pause| host_time(header, stalls, pause)) {
        times.note(start_ns, length_ns);
    }
    for record in history.stalls().filter(|record| record.blames_host()) {
        // A pause that the watchdog saw too is one event, not two.
        if !pauses.overlap(header, record) {
            times.note(record.stall.started_ns, record.stall.duration_ns);
        }
    }
    times
}
