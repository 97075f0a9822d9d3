use super::growth::{Growth, Leak, Proof, Tally};
use stallscope_wire::{SocketGroup, Sockets};
use std::collections::HashMap;

/// Groups that are kept. Of more, those of which none is open and nothing is to be said are forgotten.
const LIMIT: usize = 1024;

/// What the connections of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Place {
    /// The listener's address, or the other side's.
    pub(in super::super) address: String,
    pub(in super::super) incoming: bool,
    pub(in super::super) route: Option<String>,
}

/// What became of the process's connections.
#[derive(Debug, Clone)]
pub(in super::super) struct Connections {
    growth: Growth<Place>,
    groups: HashMap<Place, Group>,
    /// Groups that found no room.
    unfollowed: u64,
}

/// One group.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Group {
    /// As it was told of last; of one that is told of no more, none is open.
    pub(in super::super) last: SocketGroup,
    /// The most that were open at one time.
    pub(in super::super) most: u64,
    pub(in super::super) left_over: Option<LeftOver>,
}

/// Connections whose other side has closed, and the process has not for longer than the limit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct LeftOver {
    /// The most at one time.
    pub(in super::super) count: u64,
    pub(in super::super) longest_ns: u64,
    /// When the first was closed by the other side, in nanoseconds since the start.
    pub(in super::super) began_ns: u64,
    /// There still were some at the last look.
    pub(in super::super) ongoing: bool,
}

impl Connections {
    pub(super) fn new(window_ns: u64) -> Self {
        // What is kept open to be used again, grows until there is enough of it.
        Self { growth: Growth::new(window_ns, Proof::Standstill), groups: HashMap::new(), unfollowed: 0 }
    }

    /// Takes in what is open at one time; whether the runtimes are shut down.
    pub(super) fn look(&mut self, sockets: &Sockets, shut_down: bool) {
        for group in self.groups.values_mut() {
            (group.last.open, group.last.closed) = (0, group.last.opened);
            group.last.close_wait = 0;
            group.left_over.iter_mut().for_each(|left_over| left_over.ongoing = false);
        }
        self.unfollowed = 0;
        for told in &sockets.groups {
            let place = Place::of(told);
            if !self.groups.contains_key(&place) && !self.has_room() {
                self.unfollowed += 1;
                continue;
            }
            self.groups.entry(place).or_default().take(told, sockets.at_ns);
        }
        let tallies = self
            .groups
            .iter()
            .map(|(place, group)| (place, Tally { begun: group.last.opened, ended: group.last.closed }));
        self.growth.look(sockets.at_ns, shut_down, tallies);
    }

    /// Whether there is room for one more, or can be made.
    fn has_room(&mut self) -> bool {
        if self.groups.len() >= LIMIT {
            let growth = &mut self.growth;
            self.groups.retain(|place, group| {
                let matters =
                    group.last.open > 0 || group.left_over.is_some() || growth.leak(place).is_some();
                if !matters {
                    growth.forget(place);
                }
                matters
            });
        }
        self.groups.len() < LIMIT
    }

    pub(in super::super) fn groups(&self) -> impl Iterator<Item = (&Place, &Group)> {
        self.groups.iter()
    }

    /// A group whose number only grows.
    pub(in super::super) fn leak(&self, place: &Place) -> Option<&Leak> {
        self.growth.leak(place)
    }

    /// Over what time it must grow, in nanoseconds.
    pub(in super::super) fn window_ns(&self) -> u64 {
        self.growth.window_ns()
    }

    pub(in super::super) fn unfollowed(&self) -> u64 {
        self.unfollowed
    }
}

impl Place {
    fn of(group: &SocketGroup) -> Self {
        Self { address: group.address.clone(), incoming: group.incoming, route: group.route.clone() }
    }

    /// All those of a process that share no group.
    pub(in super::super) fn is_rest(&self) -> bool {
        self.address.starts_with('(')
    }
}

impl Group {
    fn take(&mut self, told: &SocketGroup, at_ns: u64) {
        self.most = self.most.max(told.open);
        if told.overdue > 0 {
            let began_ns = at_ns.saturating_sub(told.close_wait_ns);
            let left_over =
                self.left_over.get_or_insert(LeftOver { count: 0, longest_ns: 0, began_ns, ongoing: true });
            left_over.count = left_over.count.max(told.overdue);
            left_over.longest_ns = left_over.longest_ns.max(told.close_wait_ns);
            left_over.ongoing = true;
        }
        self.last = told.clone();
    }
}
