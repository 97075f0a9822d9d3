use stallscope_wire::{Socket, Sockets};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The open sockets, as the dashboard shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// How many there are.
    pub(crate) total: u64,
    /// How many of them are not in the list.
    pub(crate) unlisted: u64,
    /// How many are in each state, the most first.
    pub(crate) states: Vec<(String, u64)>,
    /// Listeners, then sockets with something in a queue, the fullest first, then the others.
    pub(crate) sockets: Vec<Socket>,
    /// How many at the front of `sockets` are listeners or have something in a queue.
    pub(crate) notable: usize,
}

impl Ports {
    pub(crate) fn of(sockets: &Sockets) -> Self {
        let mut states = BTreeMap::new();
        for socket in &sockets.sockets {
            *states.entry(socket.state.clone()).or_insert(0) += 1;
        }
        let mut states: Vec<_> = states.into_iter().collect();
        states.sort_by_key(|&(_, count)| Reverse(count));
        let mut listed = sockets.sockets.clone();
        listed.sort_by_key(|socket| {
            (Reverse(rank(socket)), Reverse(queued(socket)), socket.local.clone(), socket.inode)
        });
        Self {
            total: sockets.total.max(listed.len() as u64),
            unlisted: sockets.total.saturating_sub(listed.len() as u64),
            states,
            notable: listed.iter().take_while(|socket| rank(socket) > 0).count(),
            sockets: listed,
        }
    }
}

/// Whether it takes connections: its queues then count connections, not bytes.
pub(crate) fn listens(socket: &Socket) -> bool {
    socket.state == "LISTEN"
}

/// Whether its accept queue is over half its limit.
pub(crate) fn backlogged(socket: &Socket) -> bool {
    listens(socket) && socket.send_queue > 0 && socket.receive_queue * 2 > socket.send_queue
}

fn rank(socket: &Socket) -> u8 {
    if listens(socket) { 2 } else { u8::from(queued(socket) > 0) }
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
        Socket { state: state.into(), receive_queue, send_queue, ..Socket::default() }
    }

    #[test]
    fn what_waits_stands_first() {
        let sockets = vec![
            socket("ESTABLISHED", 0, 0),
            socket("ESTABLISHED", 9, 0),
            socket("CLOSE_WAIT", 1, 0),
            socket("LISTEN", 0, 128),
        ];
        let ports = Ports::of(&Sockets { at_ns: 1, total: 10, sockets, ..Sockets::default() });
        let order: Vec<_> =
            ports.sockets.iter().map(|socket| (socket.state.as_str(), socket.receive_queue)).collect();
        assert_eq!(order, [("LISTEN", 0), ("ESTABLISHED", 9), ("CLOSE_WAIT", 1), ("ESTABLISHED", 0)]);
        assert_eq!((ports.notable, ports.total, ports.unlisted), (3, 10, 6));
        assert_eq!(ports.states[0], ("ESTABLISHED".to_owned(), 2));
    }

    #[test]
    fn an_accept_queue_over_half_full_is_told() {
        assert!(backlogged(&socket("LISTEN", 65, 128)));
        assert!(!backlogged(&socket("LISTEN", 64, 128)));
        assert!(!backlogged(&socket("ESTABLISHED", 65, 128)));
    }
}
