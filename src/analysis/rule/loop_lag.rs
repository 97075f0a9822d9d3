//! A probe waited longer than the lag limit.

use super::super::finding::rfc3339;
use super::super::history::LagGroup;
use super::super::{Cause, Finding, History, Rule, Severity};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups = BTreeMap::new();
    for history in histories {
        for group in history.lag_store().groups(history.header(), history.stall_store()) {
            match groups.get_mut(&group.key) {
                Some(known) => LagGroup::merge(known, group),
                None => {
                    groups.insert(group.key.clone(), group);
                }
            }
        }
    }
    groups.into_values().map(|group| finding(&group)).collect()
}

fn finding(group: &LagGroup) -> Finding {
    let mut finding = Finding {
        rule: Rule::LoopLag,
        severity: Severity::Warning,
        cause: Cause::Saturation,
        count: group.count,
        max_ns: group.max_ns,
        total_ns: group.total_ns,
        attributable_max_ns: group.attributable_max_ns,
        ongoing: group.ongoing,
        first_seen: rfc3339(group.first_unix_ns),
        ..Finding::default()
    };
    if let Some((culprit, record)) = &group.stall {
        finding.culprit = culprit.clone();
        finding.describe(record);
    }
    finding
}
