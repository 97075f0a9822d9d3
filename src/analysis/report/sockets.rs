use super::tasks::cut;
use crate::analysis::History;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Connections and listeners, over all processes. Empty where sockets are not told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Sockets {
    /// Sockets that were open when each process was last looked at.
    pub open: u64,
    /// How many of these were in which state.
    pub states: BTreeMap<String, u64>,
    /// TCP connections by what they serve: those that leak first, then those with most open at one time; 100 at
    /// most.
    pub groups: Vec<Connections>,
    /// Groups that are not listed.
    pub groups_left_out: u64,
    /// Accept queues by the listener's address, the longest first; 100 at most.
    pub listeners: Vec<Listener>,
    /// Listeners that are not listed.
    pub listeners_left_out: u64,
}

/// TCP connections that came in at one listener for one route, or that go out to one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Connections {
    /// The listener's address, or the other side's.
    pub address: String,
    /// They came in.
    pub incoming: bool,
    /// The route of their last request, where that is known.
    pub route: Option<String>,
    /// Open at last.
    pub open: u64,
    /// The most that were open at one time.
    pub most: u64,
    /// Opened, as far as seen.
    pub opened: u64,
    /// Of these, gone, or gone over to another route.
    pub closed: u64,
    /// Of the open ones, those whose other side has closed while the process has not.
    pub close_wait: u64,
    /// The most that were so for longer than the limit at one time.
    pub overdue: u64,
    /// For how long one of these was so at most, in nanoseconds.
    pub overdue_max_ns: u64,
}

/// The accept queue of one listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Listener {
    /// Where it listens.
    pub address: String,
    /// Connections that waited to be accepted at last.
    pub waiting: u64,
    /// The most that waited at one time.
    pub most: u64,
    /// How many may wait; absent where the kernel does not tell.
    pub limit: Option<u64>,
}

impl Sockets {
    pub(super) fn of(histories: &[&History]) -> Self {
        let mut sockets = Self::default();
        let mut groups: BTreeMap<_, Connections> = BTreeMap::new();
        let mut listeners: BTreeMap<&str, Listener> = BTreeMap::new();
        for history in histories {
            if let Some(now) = history.sockets() {
                sockets.open = sockets.open.saturating_add(now.total);
                for (state, count) in &now.states {
                    let all = sockets.states.entry(state.clone()).or_default();
                    *all = all.saturating_add(*count);
                }
            }
            for (place, group) in history.connections().groups() {
                let told = groups.entry(place).or_insert_with(|| Connections {
                    address: place.address.clone(),
                    incoming: place.incoming,
                    route: place.route.clone(),
                    ..Connections::default()
                });
                let last = &group.last;
                told.open = told.open.saturating_add(last.open);
                told.most = told.most.saturating_add(group.most);
                told.opened = told.opened.saturating_add(last.opened);
                told.closed = told.closed.saturating_add(last.closed);
                told.close_wait = told.close_wait.saturating_add(last.close_wait);
                if let Some(left_over) = group.left_over {
                    told.overdue = told.overdue.saturating_add(left_over.count);
                    told.overdue_max_ns = told.overdue_max_ns.max(left_over.longest_ns);
                }
            }
            for (address, queue) in history.queues().iter() {
                let listener = listeners.entry(address).or_default();
                address.clone_into(&mut listener.address);
                listener.waiting = listener.waiting.max(queue.waiting);
                listener.most = listener.most.max(queue.most);
                listener.limit = listener.limit.max((queue.limit > 0).then_some(queue.limit));
            }
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| Reverse((group.overdue, group.most)));
        let mut listeners: Vec<_> = listeners.into_values().collect();
        listeners.sort_by_key(|listener| Reverse(listener.most));
        let (groups_left_out, listeners_left_out) = (cut(&mut groups), cut(&mut listeners));
        Self { groups, groups_left_out, listeners, listeners_left_out, ..sockets }
    }
}
