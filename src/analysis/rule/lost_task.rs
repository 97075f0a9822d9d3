//! A task waits, and nothing can wake it.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::{Culprit, Finding, History, Rule, Severity, Task};
use stallscope_wire::{Certainty, Header, Orphan};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups: BTreeMap<(bool, Key), Group<'_>> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for orphan in history.orphans().iter() {
            let awaited = orphan.awaits.as_ref().and_then(Culprit::of_stack);
            let culprit = awaited.unwrap_or_else(|| Culprit::at(&orphan.spawned_at));
            let key = (orphan.certainty == Certainty::Probable, Key::new(header, &culprit));
            groups.entry(key).or_insert_with(|| Group::new(culprit, orphan)).add(header, orphan);
        }
    }
    groups.into_values().map(Group::finding).collect()
}

/// The tasks that are lost in one place.
struct Group<'a> {
    culprit: Culprit,
    longest: &'a Orphan,
    count: u64,
    total_ns: u64,
    ongoing: bool,
    first_unix_ns: u64,
}

impl<'a> Group<'a> {
    fn new(culprit: Culprit, longest: &'a Orphan) -> Self {
        Self { culprit, longest, count: 0, total_ns: 0, ongoing: false, first_unix_ns: u64::MAX }
    }

    fn add(&mut self, header: &Header, orphan: &'a Orphan) {
        let since_ns = orphan.at_ns.saturating_sub(orphan.idle_ns);
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(orphan.idle_ns);
        self.ongoing |= orphan.ongoing;
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(since_ns));
        if orphan.idle_ns > self.longest.idle_ns {
            self.longest = orphan;
        }
    }

    fn finding(self) -> Finding {
        let orphan = self.longest;
        let severity = if orphan.certainty == Certainty::Exact { Severity::Error } else { Severity::Warning };
        Finding {
            rule: Rule::LostTask,
            severity,
            certainty: orphan.certainty,
            culprit: self.culprit,
            count: self.count,
            max_ns: orphan.idle_ns,
            total_ns: self.total_ns,
            attributable_max_ns: orphan.idle_ns,
            ongoing: self.ongoing,
            detail: Some(detail(orphan).to_owned()),
            task: Some(Task {
                id: orphan.task,
                name: orphan.name.clone(),
                spawned_at: orphan.spawned_at.clone(),
            }),
            first_seen: rfc3339(self.first_unix_ns),
            ..Finding::default()
        }
    }
}

/// How it is known.
fn detail(orphan: &Orphan) -> &'static str {
    match orphan.certainty {
        Certainty::Exact => "no waker of it is left",
        _ => "it waits for something that others have to do, and they have not",
    }
}
