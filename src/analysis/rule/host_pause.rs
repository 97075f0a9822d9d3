//! The machine did not run the process for as long as a stall takes; information only.

use super::super::finding::rfc3339;
use super::super::{Cause, Finding, History, Rule, Severity};

pub(super) fn finding(histories: &[&History]) -> Option<Finding> {
    let mut finding =
        Finding { rule: Rule::HostPause, severity: Severity::Info, cause: Cause::Host, ..Finding::default() };
    let mut first = u64::MAX;
    let mut note = |history: &History, start_ns: u64, length_ns: u64| {
        finding.count += 1;
        finding.max_ns = finding.max_ns.max(length_ns);
        finding.total_ns = finding.total_ns.saturating_add(length_ns);
        first = first.min(history.header().started_unix_ns.saturating_add(start_ns));
    };
    for history in histories {
        // The watchdog wakes late all the time by a little; only what would have been a stall is worth a word.
        let pauses = history.pauses().filter(|pause| pause.gap_ns >= history.header().threshold_ns.max(1));
        for pause in pauses.clone() {
            note(history, pause.at_ns.saturating_sub(pause.gap_ns), pause.gap_ns);
        }
        for record in history.stalls().filter(|record| record.blames_host()) {
            let (start, length) = (record.stall.started_ns, record.stall.duration_ns);
            // A pause that the watchdog saw too is one event, not two.
            let seen = |pause: &stallscope_wire::Pause| {
                pause.at_ns > start && pause.at_ns.saturating_sub(pause.gap_ns) < start.saturating_add(length)
            };
            if !pauses.clone().any(seen) {
                note(history, start, length);
            }
        }
    }
    finding.first_seen = rfc3339(if finding.count > 0 { first } else { 0 });
    (finding.count > 0).then_some(finding)
}
