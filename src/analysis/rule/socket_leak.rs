//! Connections that their other side has closed and the process has not, or whose number only grows. How the latter is decided,
//! `history/growth.rs` says. Of connections that came in it is only probable: their number is for the clients to say.

use super::super::culprit::Key;
use super::super::finding::{SocketLeak, rfc3339};
use super::super::history::{Leak, LeftOver, Place};
use super::super::{Culprit, Finding, History, Rule, Severity};
use stallscope_wire::duration::show;
use stallscope_wire::{Certainty, Header};
use std::collections::BTreeMap;

pub(super) fn findings(histories: &[&History]) -> Vec<Finding> {
    let mut groups: BTreeMap<(SocketLeak, Key), Group> = BTreeMap::new();
    for history in histories {
        let (header, connections) = (history.header(), history.connections());
        for (place, group) in connections.groups() {
            let culprit = Culprit::of_connections(place);
            let key = Key::new(header, &culprit);
            let of = |form| groups.entry((form, key)).or_insert_with(|| Group::new(form, culprit, place));
            if let Some(left_over) = group.left_over {
                // What is left over grows too, and is known for certain.
                of(SocketLeak::CloseWait).add_left_over(header, left_over);
            } else if let Some(leak) = connections.leak(place).filter(|_| !place.is_rest()) {
                of(SocketLeak::Growth).add_growth(header, leak);
            }
        }
    }
    groups.into_values().map(Group::finding).collect()
}

/// The leaks of one culprit, one a process.
struct Group {
    finding: Finding,
    open: u64,
    opened: u64,
    closed: u64,
    processes: u64,
    first_unix_ns: u64,
}

impl Group {
    fn new(form: SocketLeak, culprit: Culprit, place: &Place) -> Self {
        let certain = form == SocketLeak::CloseWait || !place.incoming;
        let finding = Finding {
            rule: Rule::SocketLeak,
            severity: if certain { Severity::Error } else { Severity::Warning },
            certainty: if certain { Certainty::Exact } else { Certainty::Probable },
            leak: Some(form),
            culprit,
            ..Finding::default()
        };
        Self { finding, open: 0, opened: 0, closed: 0, processes: 0, first_unix_ns: u64::MAX }
    }

    fn add_left_over(&mut self, header: &Header, left_over: LeftOver) {
        self.add(header, left_over.count, left_over.longest_ns, left_over.began_ns, left_over.ongoing);
    }

    fn add_growth(&mut self, header: &Header, leak: &Leak) {
        self.open = self.open.saturating_add(leak.alive());
        self.opened = self.opened.saturating_add(leak.begun());
        self.closed = self.closed.saturating_add(leak.ended());
        let more = leak.begun().saturating_sub(leak.ended());
        self.add(header, more, leak.grown_ns(), leak.began_ns(), leak.is_ongoing());
    }

    fn add(&mut self, header: &Header, count: u64, lasted_ns: u64, began_ns: u64, ongoing: bool) {
        let finding = &mut self.finding;
        self.processes += 1;
        finding.count = finding.count.saturating_add(count);
        finding.max_ns = finding.max_ns.max(lasted_ns);
        finding.total_ns = finding.total_ns.saturating_add(lasted_ns);
        finding.ongoing |= ongoing;
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(began_ns));
    }

    fn finding(self) -> Finding {
        let within = show(self.finding.max_ns);
        let growth =
            format!("{} open; of {} opened within {within}, {} closed", self.open, self.opened, self.closed);
        let known = [
            (self.finding.leak == Some(SocketLeak::Growth)).then_some(growth),
            (self.processes > 1).then(|| format!("in {} processes", self.processes)),
        ];
        let known: Vec<_> = known.into_iter().flatten().collect();
        Finding {
            attributable_max_ns: self.finding.max_ns,
            first_seen: rfc3339(self.first_unix_ns),
            detail: (!known.is_empty()).then(|| known.join(", ")),
            ..self.finding
        }
    }
}
