//! The tasks of one spawn location only grow in number. How that is decided, `history/growth.rs` says.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::history::Leak;
use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::Header;
use stallscope_wire::duration::show;
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for (spawned_at, leak) in history.growth().leaks() {
            let culprit = Culprit::at(spawned_at);
            let key = Key::new(header, &culprit);
            groups.entry(key).or_insert_with(|| Group::new(culprit)).add(header, leak);
        }
    }
    groups.into_values().map(Group::finding).collect()
}

/// The leaks of one spawn location, one a process.
struct Group {
    culprit: Culprit,
    processes: u64,
    alive: u64,
    spawned: u64,
    finished: u64,
    max_ns: u64,
    total_ns: u64,
    ongoing: bool,
    first_unix_ns: u64,
}

impl Group {
    fn new(culprit: Culprit) -> Self {
        Self {
            culprit,
            processes: 0,
            alive: 0,
            spawned: 0,
            finished: 0,
            max_ns: 0,
            total_ns: 0,
            ongoing: false,
            first_unix_ns: u64::MAX,
        }
    }

    fn add(&mut self, header: &Header, leak: &Leak) {
        let grown_ns = leak.grown_ns();
        self.processes += 1;
        self.alive = self.alive.saturating_add(leak.alive());
        self.spawned = self.spawned.saturating_add(leak.begun());
        self.finished = self.finished.saturating_add(leak.ended());
        self.max_ns = self.max_ns.max(grown_ns);
        self.total_ns = self.total_ns.saturating_add(grown_ns);
        self.ongoing |= leak.is_ongoing();
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(leak.began_ns()));
    }

    fn finding(self) -> Finding {
        let processes =
            if self.processes > 1 { format!(", in {} processes", self.processes) } else { String::new() };
        let (alive, spawned, finished, time) = (self.alive, self.spawned, self.finished, show(self.max_ns));
        Finding {
            rule: Rule::TaskLeak,
            severity: Severity::Error,
            culprit: self.culprit,
            count: spawned.saturating_sub(finished),
            max_ns: self.max_ns,
            total_ns: self.total_ns,
            attributable_max_ns: self.max_ns,
            ongoing: self.ongoing,
            detail: Some(format!(
                "{alive} alive; of {spawned} spawned within {time}, {finished} ended{processes}"
            )),
            first_seen: rfc3339(self.first_unix_ns),
            ..Finding::default()
        }
    }
}
