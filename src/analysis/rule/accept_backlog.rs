//! Connections that wait to be accepted fill more than half of a listener's queue, at two looks in a row; or all of it, at one.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::history::Backlog;
use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::duration::show;
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut findings: BTreeMap<Key, Finding> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for (address, queue) in history.queues().iter() {
            let Some(backlog) = queue.backlog else { continue };
            let culprit = Culprit::of_listener(address);
            let began = rfc3339(header.started_unix_ns.saturating_add(backlog.began_ns));
            let finding = findings.entry(Key::new(header, &culprit)).or_insert_with(|| Finding {
                rule: Rule::AcceptBacklog,
                severity: Severity::Warning,
                culprit,
                first_seen: began,
                ..Finding::default()
            });
            add(finding, &backlog);
        }
    }
    findings.into_values().collect()
}

fn add(finding: &mut Finding, backlog: &Backlog) {
    if backlog.full {
        // Whoever comes then is not let in.
        finding.severity = Severity::Error;
    }
    if backlog.most >= finding.count {
        finding.detail = Some(detail(backlog));
    }
    finding.count = finding.count.max(backlog.most);
    finding.max_ns = finding.max_ns.max(backlog.max_ns);
    finding.attributable_max_ns = finding.max_ns;
    finding.total_ns = finding.total_ns.saturating_add(backlog.total_ns);
    finding.ongoing |= backlog.ongoing;
}

/// How full the queue was, and for how long.
fn detail(backlog: &Backlog) -> String {
    let full = if backlog.full { ": it was full, and who came then was turned away" } else { "" };
    let long = match (backlog.times, backlog.max_ns) {
        (_, 0) => String::new(),
        (1, max_ns) => format!(", over half of it taken for {}", show(max_ns)),
        (times, max_ns) => format!(", over half of it taken {times} times, for up to {}", show(max_ns)),
    };
    format!("up to {} of {} places{long}{full}", backlog.most, backlog.limit)
}
