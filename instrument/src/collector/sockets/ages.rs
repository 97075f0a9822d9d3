//! Since when each socket is seen, and in its state.

use super::groups::{Groups, Key};
use super::owned::Owned;
use super::routes::Routes;
use super::row::{CLOSE, Id, Row};
use stallscope_wire::Transport;
use std::collections::HashMap;

/// The sockets that the process held at the last look. As many as it has: each costs the kernel far more.
#[derive(Debug, Default)]
pub(super) struct Ages {
    known: HashMap<Id, Known>,
    look: u64,
}

/// One socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) row: Row,
    since_ns: u64,
    in_state_since_ns: u64,
    /// The place of its group, if it is a connection.
    pub(super) group: Option<usize>,
    /// The look at which the kernel told of it last.
    told: u64,
}

impl Known {
    pub(super) fn age_ns(&self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.since_ns)
    }

    pub(super) fn in_state_ns(&self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.in_state_since_ns)
    }

    fn enter(&mut self, state: u8, at_ns: u64) {
        if self.row.state != state {
            (self.row.state, self.in_state_since_ns) = (state, at_ns);
        }
    }
}

impl Ages {
    /// Takes in what the kernel tells at one time.
    pub(super) fn look(&mut self, rows: &[Row], owned: &Owned, groups: &mut Groups, at_ns: u64) {
        self.look += 1;
        for row in rows {
            // A list that changes while it is told may tell of a socket twice.
            let known = self.known.entry(row.id).or_insert_with(|| Known::new(row, at_ns));
            if (known.row.local, known.row.peer, known.row.transport) != (row.local, row.peer, row.transport)
            {
                // An inode that another socket had before, or a socket that was connected now.
                known.leave(groups);
                *known = Known::new(row, at_ns);
            }
            known.enter(row.state, at_ns);
            known.row = *row;
            known.told = self.look;
            known.join(groups);
        }
        self.known.retain(|id, known| {
            let held = known.told == self.look || owned.holds(*id);
            if held {
                known.miss(self.look, at_ns);
            } else {
                known.leave(groups);
            }
            held
        });
    }

    /// Begins anew with the sockets of a transport.
    pub(super) fn forget(&mut self, transport: Transport, groups: &mut Groups) {
        for (_, mut gone) in self.known.extract_if(|_, known| known.row.transport == transport) {
            gone.leave(groups);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }
}

impl Known {
    fn new(row: &Row, at_ns: u64) -> Self {
        Self { row: *row, since_ns: at_ns, in_state_since_ns: at_ns, group: None, told: 0 }
    }

    /// Finds its group anew: the route of an incoming connection is that of its last request.
    fn join(&mut self, groups: &mut Groups) {
        let Some((local, peer)) = self.row.connection() else { return };
        let key = match self.group {
            None => {
                let entrance = groups.entrance(local);
                let route = entrance.and_then(|_| Routes::of(peer));
                Key { address: entrance.unwrap_or(peer), incoming: entrance.is_some(), route }
            }
            Some(place) => {
                let Some(route) = Routes::of(peer) else { return };
                match groups.key(place) {
                    Some(key) if key.incoming && key.route.as_deref() != Some(&route) => {
                        Key { route: Some(route), ..key.clone() }
                    }
                    _ => return,
                }
            }
        };
        self.leave(groups);
        self.group = Some(groups.join(&key));
    }

    fn leave(&mut self, groups: &mut Groups) {
        self.group.take().into_iter().for_each(|place| groups.leave(place));
    }

    /// A socket that is held and not in the kernel's list is through with both sides. One look may pass it by, when the list
    /// changes meanwhile.
    fn miss(&mut self, look: u64, at_ns: u64) {
        if look - self.told >= 2 && self.row.is_tcp() {
            self.enter(CLOSE, at_ns);
            (self.row.receive_queue, self.row.send_queue) = (0, 0);
        }
    }
}
