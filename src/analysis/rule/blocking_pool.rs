//! Work waited too long for a thread of the blocking pool, because all of them were busy with something else.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::{PoolSite, PoolWait, counted};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut findings: BTreeMap<Key, Finding> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for wait in history.pool_waits().iter() {
            let stack = wait.sites.first().map(|site| &site.stack);
            let culprit = stack.and_then(Culprit::of_stack).unwrap_or_default();
            let begun_ns = wait.at_ns.saturating_sub(wait.wait_ns);
            let begun = rfc3339(header.started_unix_ns.saturating_add(begun_ns));
            let finding = findings.entry(Key::in_stack(header, &culprit, stack)).or_insert_with(|| Finding {
                rule: Rule::BlockingPool,
                severity: Severity::Warning,
                culprit,
                first_seen: begun,
                ..Finding::default()
            });
            add(finding, wait);
            if wait.ongoing && history.ended() {
                // What waited then was never done.
                finding.severity = Severity::Error;
            }
        }
    }
    findings.into_values().collect()
}

fn add(finding: &mut Finding, wait: &PoolWait) {
    finding.count += 1;
    finding.total_ns = finding.total_ns.saturating_add(wait.wait_ns);
    finding.ongoing |= wait.ongoing;
    if wait.wait_ns >= finding.max_ns {
        finding.max_ns = wait.wait_ns;
        finding.attributable_max_ns = wait.wait_ns;
        finding.detail = Some(detail(wait));
        finding.set_stack(wait.sites.first().map(|site| &site.stack));
    }
}

/// How full the pool was, and what else filled it.
fn detail(wait: &PoolWait) -> String {
    let other = |site: &PoolSite| {
        let at = Culprit::of_stack(&site.stack).unwrap_or_default();
        format!("{at} ({})", counted(site.threads, "thread"))
    };
    let others: Vec<_> = wait.sites.iter().skip(1).map(other).collect();
    let also = if others.is_empty() { String::new() } else { format!("; also at {}", others.join(", ")) };
    let (threads, jobs) = (counted(wait.threads, "thread"), counted(wait.waiting, "job"));
    format!("{threads}, all busy; up to {jobs} waited{also}")
}
