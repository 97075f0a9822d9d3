//! A task failed, and nobody saw it.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::{Culprit, Finding, History, Rule, Severity, Task};
use stallscope_wire::{Certainty, Failure, Header, How};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups: BTreeMap<(bool, Key), Group<'_>> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for failure in history.failures().iter() {
            // An error has no line of its own: the task that returned it is to be looked at.
            let culprit = Culprit::at(failure.place.as_deref().unwrap_or(&failure.spawned_at));
            let key = (failure.certainty == Certainty::Probable, Key::new(header, &culprit));
            groups.entry(key).or_insert_with(|| Group::new(culprit)).add(header, failure);
        }
    }
    groups.into_values().filter_map(Group::finding).collect()
}

/// The failures of one place that are known, or that are probable.
struct Group<'a> {
    culprit: Culprit,
    /// The latest.
    last: Option<&'a Failure>,
    count: u64,
    first_unix_ns: u64,
}

impl<'a> Group<'a> {
    fn new(culprit: Culprit) -> Self {
        Self { culprit, last: None, count: 0, first_unix_ns: u64::MAX }
    }

    fn add(&mut self, header: &Header, failure: &'a Failure) {
        self.count += 1;
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(failure.at_ns));
        self.last = Some(failure);
    }

    fn finding(self) -> Option<Finding> {
        let failure = self.last?;
        let severity =
            if failure.certainty == Certainty::Exact { Severity::Error } else { Severity::Warning };
        Some(Finding {
            rule: Rule::DetachedPanic,
            severity,
            certainty: failure.certainty,
            culprit: self.culprit,
            count: self.count,
            detail: Some(detail(failure)),
            task: Some(Task {
                id: failure.task,
                name: failure.name.clone(),
                spawned_at: failure.spawned_at.clone(),
            }),
            first_seen: rfc3339(self.first_unix_ns),
            ..Finding::default()
        })
    }
}

/// What it said.
fn detail(failure: &Failure) -> String {
    let what = match failure.how {
        How::Panic => "panic",
        _ => "error",
    };
    format!("{what}: {}", failure.message)
}
