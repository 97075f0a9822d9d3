//! What a process has open.

use super::{SECOND, Scenario};
use stallscope_wire::{Line, Socket, SocketGroup, Sockets};
use std::collections::BTreeMap;

impl Scenario {
    /// Each second a client of `GET /ws/leaky` comes and leaves, and nobody closes its connection.
    pub(crate) fn leaves_open(mut self, seconds: u64) -> Self {
        self.header.close_wait_ns = 10 * SECOND;
        for second in 1..=seconds {
            self = self.quiet(1);
            let line = Line::Socket(left_open(self.now_ns, second));
            self = self.line(line);
        }
        self
    }
}

fn left_open(at_ns: u64, count: u64) -> Sockets {
    let socket = |state: &str, peer: Option<String>, in_state_s: u64| Socket {
        local: "127.0.0.1:8080".into(),
        peer,
        state: state.into(),
        send_queue: if state == "LISTEN" { 1024 } else { 0 },
        in_state_ns: in_state_s * SECOND,
        route: (state == "CLOSE_WAIT").then(|| "GET /ws/leaky".into()),
        inode: 100 + in_state_s,
        ..Socket::default()
    };
    let group = |route: &str, open, opened| SocketGroup {
        address: "127.0.0.1:8080".into(),
        incoming: true,
        route: Some(route.into()),
        open,
        opened,
        closed: opened - open,
        ..SocketGroup::default()
    };
    let leaky = SocketGroup {
        close_wait: count,
        close_wait_ns: count * SECOND,
        overdue: count.saturating_sub(10),
        ..group("GET /ws/leaky", count, count)
    };
    let database =
        SocketGroup { address: "10.0.0.7:5432".into(), open: 4, opened: 4, ..SocketGroup::default() };
    let peer = |port: u64| Some(format!("127.0.0.1:{port}"));
    let mut sockets = vec![socket("LISTEN", None, 0)];
    sockets.extend((1..=count).rev().map(|age| socket("CLOSE_WAIT", peer(50_000 + count - age), age)));
    let states = [("CLOSE_WAIT", count), ("ESTABLISHED", 20), ("LISTEN", 1)];
    Sockets {
        at_ns,
        total: count + 21,
        states: BTreeMap::from(states.map(|(state, count)| (state.to_owned(), count))),
        groups: vec![group("GET /ws", 16, 700), leaky, database],
        sockets,
    }
}
