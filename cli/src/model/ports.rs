use stallscope_wire::{Socket, SocketGroup, Sockets};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Over how long growth is told, in nanoseconds.
const GROWTH_NS: u64 = 60_000_000_000;
/// The most looks within that time: they come once a second.
const LOOKS: usize = 128;

/// The open sockets, as the dashboard shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// How many there are.
    pub(crate) total: u64,
    /// How many of them are not in the list.
    pub(crate) unlisted: u64,
    /// How many are in each state, the most first.
    pub(crate) states: Vec<(String, u64)>,
    /// Groups that leak, listeners, the other groups, then connections: those whose other side has closed, oldest first, then
    /// the fullest.
    pub(crate) rows: Vec<Port>,
    /// How many at the front of `rows` tell something: they are no idle connection.
    pub(crate) notable: usize,
    /// How many were open in each group within the last minute, oldest first.
    before: VecDeque<(u64, Arc<BTreeMap<Place, u64>>)>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Port {
    Listener(Socket),
    Group(Group),
    Connection(Socket),
}

/// Connections that serve the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) told: SocketGroup,
    /// By how many it has grown, and within what time in nanoseconds.
    pub(crate) grown: u64,
    pub(crate) within_ns: u64,
}

type Place = (String, bool, Option<String>);

impl Ports {
    /// Takes in what is open now.
    pub(crate) fn apply(&mut self, sockets: &Sockets) {
        let mut states: Vec<_> = if sockets.states.is_empty() {
            let mut listed = BTreeMap::new();
            sockets.sockets.iter().for_each(|socket| *listed.entry(socket.state.clone()).or_insert(0) += 1);
            listed.into_iter().collect()
        } else {
            sockets.states.clone().into_iter().collect()
        };
        states.sort_by_key(|&(_, count)| Reverse(count));
        let mut listed = sockets.sockets.clone();
        listed.sort_by_key(|socket| {
            let left_over_ns = if is_left_over(socket) { socket.in_state_ns } else { 0 };
            (
                Reverse(rank(socket)),
                Reverse(left_over_ns),
                Reverse(queued(socket)),
                socket.local.clone(),
                socket.inode,
            )
        });
        let listeners = listed.iter().take_while(|socket| listens(socket)).count();
        let connections = listed.split_off(listeners);
        let notable = connections.iter().take_while(|socket| rank(socket) > 0).count();
        self.total = sockets.total.max((listeners + connections.len()) as u64);
        self.unlisted = sockets.total.saturating_sub((listeners + connections.len()) as u64);
        self.states = states;
        let groups = self.groups(sockets);
        self.notable = listeners + groups.len() + notable;
        let (leaking, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.told.overdue > 0);
        self.rows = leaking.into_iter().map(Port::Group).collect();
        self.rows.extend(listed.into_iter().map(Port::Listener));
        self.rows.extend(others.into_iter().map(Port::Group));
        self.rows.extend(connections.into_iter().map(Port::Connection));
    }

    /// Those with an open connection: what leaks first, then the largest.
    fn groups(&mut self, sockets: &Sockets) -> Vec<Group> {
        let at_ns = sockets.at_ns;
        let is_past = |&(then_ns, _): &(u64, Arc<_>)| then_ns.saturating_add(GROWTH_NS) < at_ns;
        while self.before.len() >= LOOKS || self.before.front().is_some_and(is_past) {
            self.before.pop_front();
        }
        let place = |group: &SocketGroup| (group.address.clone(), group.incoming, group.route.clone());
        let open: BTreeMap<_, _> = sockets.groups.iter().map(|group| (place(group), group.open)).collect();
        let grown = |group: &SocketGroup| {
            let place = place(group);
            let then =
                |(then_ns, open): &(u64, Arc<BTreeMap<Place, u64>>)| Some((*then_ns, *open.get(&place)?));
            let (then_ns, before) = self.before.iter().find_map(then).unwrap_or((at_ns, group.open));
            (group.open.saturating_sub(before), at_ns.saturating_sub(then_ns))
        };
        let group = |told: &SocketGroup| {
            let (grown, within_ns) = grown(told);
            Group { told: told.clone(), grown, within_ns }
        };
        let mut groups: Vec<_> = sockets.groups.iter().filter(|told| told.open > 0).map(group).collect();
        groups.sort_by_key(|group| Reverse((group.told.overdue, group.told.close_wait, group.told.open)));
        self.before.push_back((at_ns, Arc::new(open)));
        groups
    }
}

/// Whether it takes connections: its queues then count connections, not bytes.
fn listens(socket: &Socket) -> bool {
    socket.state == "LISTEN"
}

/// Whether its accept queue is over half its limit.
pub(crate) fn backlogged(socket: &Socket) -> bool {
    listens(socket) && socket.send_queue > 0 && socket.receive_queue > socket.send_queue / 2
}

/// Whether its other side has closed, and the process has not.
pub(crate) fn is_left_over(socket: &Socket) -> bool {
    socket.peer.is_some() && matches!(&*socket.state, "CLOSE_WAIT" | "CLOSE")
}

fn rank(socket: &Socket) -> u8 {
    if listens(socket) {
        3
    } else if is_left_over(socket) {
        2
    } else {
        u8::from(queued(socket) > 0)
    }
}

fn queued(socket: &Socket) -> u64 {
    if listens(socket) {
        socket.receive_queue
    } else {
        socket.receive_queue.saturating_add(socket.send_queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(state: &str, receive_queue: u64, send_queue: u64) -> Socket {
        let peer = (state != "LISTEN").then(|| "127.0.0.1:50000".into());
        Socket { state: state.into(), receive_queue, send_queue, peer, ..Socket::default() }
    }

    fn told(sockets: &Sockets) -> Ports {
        let mut ports = Ports::default();
        ports.apply(sockets);
        ports
    }

    #[test]
    fn what_waits_stands_first() {
        let sockets = vec![
            socket("ESTABLISHED", 0, 0),
            socket("ESTABLISHED", 9, 0),
            Socket { in_state_ns: 5, ..socket("CLOSE_WAIT", 0, 0) },
            Socket { in_state_ns: 7, ..socket("CLOSE_WAIT", 1, 0) },
            socket("LISTEN", 0, 128),
        ];
        let ports = told(&Sockets { at_ns: 1, total: 10, sockets, ..Sockets::default() });
        let order: Vec<_> = ports
            .rows
            .iter()
            .map(|port| match port {
                Port::Listener(socket) | Port::Connection(socket) => (&*socket.state, socket.in_state_ns),
                Port::Group(_) => panic!("none is told"),
            })
            .collect();
        let expected =
            [("LISTEN", 0), ("CLOSE_WAIT", 7), ("CLOSE_WAIT", 5), ("ESTABLISHED", 0), ("ESTABLISHED", 0)];
        assert_eq!(order, expected);
        assert_eq!((ports.notable, ports.total, ports.unlisted), (4, 10, 5));
        assert_eq!(ports.states[0], ("CLOSE_WAIT".to_owned(), 2));
    }

    #[test]
    fn a_group_tells_by_how_many_it_has_grown_within_a_minute() {
        let mut ports = Ports::default();
        for second in 0..=90 {
            let leaky =
                SocketGroup { address: "a".into(), open: second, close_wait: 1, ..SocketGroup::default() };
            let steady = SocketGroup { address: "b".into(), open: 500, ..SocketGroup::default() };
            let gone = SocketGroup { address: "c".into(), ..SocketGroup::default() };
            let (at_ns, groups) = (second * 1_000_000_000, vec![steady, leaky, gone]);
            ports.apply(&Sockets { at_ns, groups, ..Sockets::default() });
        }
        let [Port::Group(leaky), Port::Group(steady)] = &ports.rows[..] else { panic!("{ports:?}") };
        assert_eq!((leaky.grown, leaky.within_ns, leaky.told.open), (60, GROWTH_NS, 90));
        assert_eq!((steady.grown, steady.told.open, ports.before.len()), (0, 500, 61));
    }

    #[test]
    fn an_accept_queue_over_half_full_is_told() {
        assert!(backlogged(&socket("LISTEN", 65, 128)));
        assert!(!backlogged(&socket("LISTEN", 64, 128)));
        assert!(!backlogged(&socket("ESTABLISHED", 65, 128)));
    }
}
