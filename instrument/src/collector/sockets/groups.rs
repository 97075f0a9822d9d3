//! Connections by what they serve: those that came in at one listener for one route, and those that go out to one address.

use super::row::{LISTEN, Row};
use stallscope_wire::SocketGroup;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Groups that are kept apart. When there are as many, a new one takes the place of one of which none is open, else it shares
/// that of all the rest.
const LIMIT: usize = 128;
/// The place of the rest, and what stands for its address.
const REST: usize = 0;
const REST_NAME: &str = "(other)";

/// What the connections of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) address: SocketAddr,
    pub(super) incoming: bool,
    pub(super) route: Option<String>,
}

/// All groups. Their places never change while one of their connections is open.
#[derive(Debug)]
pub(super) struct Groups {
    groups: Vec<Group>,
    places: HashMap<Key, usize>,
    listeners: Listeners,
}

#[derive(Debug, Default)]
struct Group {
    /// None of the rest.
    key: Option<Key>,
    opened: u64,
    closed: u64,
    left_over: LeftOver,
}

/// Connections whose other side has closed, at the present look.
#[derive(Debug, Clone, Copy, Default)]
struct LeftOver {
    count: u64,
    longest_ns: u64,
    overdue: u64,
}

/// Where connections come in, at this look and the one before: a listener may be closed before what it took in is first seen.
#[derive(Debug, Default)]
struct Listeners {
    now: Vec<SocketAddr>,
    before: Vec<SocketAddr>,
}

impl Groups {
    pub(super) fn new() -> Self {
        Self { groups: vec![Group::default()], places: HashMap::new(), listeners: Listeners::default() }
    }

    /// Begins a look at all sockets.
    pub(super) fn begin(&mut self, rows: &[Row]) {
        self.listeners.before = std::mem::take(&mut self.listeners.now);
        self.listeners.now = rows.iter().filter(|row| row.state == LISTEN).map(|row| row.local).collect();
        self.listeners.now.sort_unstable();
        self.listeners.now.dedup();
        self.groups.iter_mut().for_each(|group| group.left_over = LeftOver::default());
    }

    /// Where a connection came in; none when it goes out.
    pub(super) fn entrance(&self, local: SocketAddr) -> Option<SocketAddr> {
        self.listeners.of(local)
    }

    /// Puts a connection into its group, whose place is returned.
    pub(super) fn join(&mut self, key: &Key) -> usize {
        let place = self.places.get(key).copied().unwrap_or_else(|| self.make(key));
        self.groups[place].opened += 1;
        place
    }

    /// It is gone, or went over to another group.
    pub(super) fn leave(&mut self, place: usize) {
        self.groups[place].closed += 1;
    }

    /// None of the rest.
    pub(super) fn key(&self, place: usize) -> Option<&Key> {
        self.groups[place].key.as_ref()
    }

    /// One of its connections has been left over for so long.
    pub(super) fn left_over(&mut self, place: usize, for_ns: u64, limit_ns: u64) {
        let left_over = &mut self.groups[place].left_over;
        left_over.count += 1;
        left_over.longest_ns = left_over.longest_ns.max(for_ns);
        left_over.overdue += u64::from(for_ns > limit_ns);
    }

    /// Those that had a connection so far, most open first.
    pub(super) fn told(&self) -> Vec<SocketGroup> {
        let mut told: Vec<_> = self.groups.iter().filter(|group| group.opened > 0).map(Group::told).collect();
        told.sort_by(|a, b| b.open.cmp(&a.open).then_with(|| a.address.cmp(&b.address)));
        told
    }

    fn make(&mut self, key: &Key) -> usize {
        let group = Group { key: Some(key.clone()), ..Group::default() };
        let place = if self.groups.len() <= LIMIT {
            self.groups.push(group);
            self.groups.len() - 1
        } else if let Some(place) =
            (REST + 1..self.groups.len()).find(|&place| self.groups[place].open() == 0)
        {
            if let Some(gone) = std::mem::replace(&mut self.groups[place], group).key {
                self.places.remove(&gone);
            }
            place
        } else {
            return REST;
        };
        self.places.insert(key.clone(), place);
        place
    }
}

impl Group {
    fn open(&self) -> u64 {
        self.opened - self.closed
    }

    fn told(&self) -> SocketGroup {
        let address = self.key.as_ref().map_or_else(|| REST_NAME.to_owned(), |key| key.address.to_string());
        SocketGroup {
            address,
            incoming: self.key.as_ref().is_some_and(|key| key.incoming),
            route: self.key.as_ref().and_then(|key| key.route.clone()),
            open: self.open(),
            opened: self.opened,
            closed: self.closed,
            close_wait: self.left_over.count,
            close_wait_ns: self.left_over.longest_ns,
            overdue: self.left_over.overdue,
        }
    }
}

impl Listeners {
    /// The listener with just this address before one that takes connections to any address of the machine.
    fn of(&self, local: SocketAddr) -> Option<SocketAddr> {
        let find = |is: &dyn Fn(&SocketAddr) -> bool| {
            [&self.now, &self.before].into_iter().flatten().find(|listener| is(listener)).copied()
        };
        let any = |listener: &SocketAddr| listener.port() == local.port() && listener.ip().is_unspecified();
        find(&|listener| *listener == local)
            .or_else(|| find(&|listener| any(listener) && listener.is_ipv4() == local.is_ipv4()))
            .or_else(|| find(&any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16) -> Key {
        Key { address: SocketAddr::from(([10, 0, 0, 1], port)), incoming: false, route: None }
    }

    #[test]
    fn a_new_group_takes_the_place_of_an_empty_one_or_joins_the_rest() {
        let mut groups = Groups::new();
        let places: Vec<_> = (0..LIMIT as u16).map(|port| groups.join(&key(port))).collect();
        assert_eq!(groups.join(&key(5000)), REST);
        groups.leave(places[7]);
        assert_eq!(groups.join(&key(5001)), places[7]);
        assert_eq!((groups.join(&key(7)), groups.join(&key(8))), (REST, places[8]));
        let told = groups.told();
        assert_eq!(told.len(), LIMIT + 1);
        assert_eq!(told.iter().find(|group| group.address == REST_NAME).unwrap().open, 2);
    }

    #[test]
    fn a_listener_is_known_by_the_most_exact_address() {
        let [exact, any, any6, other] =
            ["127.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::]:81"].map(|a| a.parse().unwrap());
        let listeners = Listeners { now: vec![any6, any], before: vec![exact, other] };
        let of = |local: &str| listeners.of(local.parse().unwrap());
        assert_eq!(
            (of("127.0.0.1:80"), of("10.0.0.1:80"), of("[::1]:80")),
            (Some(exact), Some(any), Some(any6))
        );
        assert_eq!((of("10.0.0.1:81"), of("10.0.0.1:82")), (Some(other), None));
    }
}
