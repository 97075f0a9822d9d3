//! A spawned task was not polled within its limit, though its runtime got on.

use super::super::culprit::Key;
use super::super::finding::rfc3339;
use super::super::{Cause, Culprit, Finding, History, Rule, Severity, Task};
use stallscope_wire::duration::show;
use stallscope_wire::{Header, Instead, Unpolled, counted};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups: BTreeMap<Key, Group<'_>> = BTreeMap::new();
    for history in histories {
        let header = history.header();
        for line in history.unpolled().iter() {
            let culprit = Culprit::at(&line.spawned_at);
            let key = Key::new(header, &culprit);
            groups.entry(key).or_insert_with(|| Group::new(culprit, line)).add(header, line);
        }
    }
    groups.into_values().map(Group::finding).collect()
}

/// The tasks of one spawn location that waited.
struct Group<'a> {
    culprit: Culprit,
    worst: &'a Unpolled,
    count: u64,
    total_ns: u64,
    ongoing: bool,
    first_unix_ns: u64,
}

impl<'a> Group<'a> {
    fn new(culprit: Culprit, worst: &'a Unpolled) -> Self {
        Self { culprit, worst, count: 0, total_ns: 0, ongoing: false, first_unix_ns: u64::MAX }
    }

    fn add(&mut self, header: &Header, line: &'a Unpolled) {
        let spawned_ns = line.at_ns.saturating_sub(line.waited_ns);
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(line.waited_ns);
        self.ongoing |= line.ongoing;
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(spawned_ns));
        if line.waited_ns > self.worst.waited_ns {
            self.worst = line;
        }
    }

    fn finding(self) -> Finding {
        let worst = self.worst;
        Finding {
            rule: Rule::NeverPolled,
            severity: Severity::Error,
            culprit: self.culprit,
            count: self.count,
            max_ns: worst.waited_ns,
            total_ns: self.total_ns,
            attributable_max_ns: worst.waited_ns,
            ongoing: self.ongoing,
            cause: if is_crowded(&worst.instead) { Cause::Saturation } else { Cause::Unknown },
            detail: Some(instead(&worst.instead)),
            task: Some(Task { id: worst.task, name: None, spawned_at: worst.spawned_at.clone() }),
            first_seen: rfc3339(self.first_unix_ns),
            ..Finding::default()
        }
    }
}

/// So many polls in its place are no single task's that keeps it from running.
const CROWD: u64 = 100;

/// Whether the workers had more to do than they managed.
fn is_crowded(ran: &[Instead]) -> bool {
    ran.iter().map(|ran| ran.polls).fold(0, u64::saturating_add) >= CROWD
}

/// What ran while the one that waited longest did.
fn instead(ran: &[Instead]) -> String {
    let one = |ran: &Instead| {
        let polls = counted(ran.polls, "poll");
        format!("{} ({polls}, {})", Culprit::at(&ran.spawned_at), show(ran.busy_ns))
    };
    match ran {
        [] => "no task was polled instead".to_owned(),
        ran => {
            let ran: Vec<_> = ran.iter().map(one).collect();
            format!("meanwhile ran what was spawned at {}", ran.join(", "))
        }
    }
}
