use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The process's open sockets at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sockets {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// How many there are; more than are listed when the list is cut.
    pub total: u64,
    /// How many of these are in which state.
    pub states: BTreeMap<String, u64>,
    /// Connections by what they serve, most first.
    pub groups: Vec<SocketGroup>,
    /// The sockets: listeners first, then those whose other side has closed, oldest first, then those with the fullest queues.
    pub sockets: Vec<Socket>,
}

/// One open socket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Socket {
    /// Protocol.
    pub transport: Transport,
    /// Own address, `ip:port`; one of IPv4 that a socket of IPv6 has, as one of IPv4.
    pub local: String,
    /// The other side's address; absent when there is none.
    pub peer: Option<String>,
    /// State as Linux names it: `ESTABLISHED`, `LISTEN`, `CLOSE_WAIT`, …; `CLOSE` when both sides are through with it, and the
    /// process still holds it.
    pub state: String,
    /// Bytes received and not yet read; of a listener, connections not yet accepted.
    pub receive_queue: u64,
    /// Bytes sent and not yet acknowledged; of a listener, how many connections may wait to be accepted, where the kernel
    /// tells (never 0).
    pub send_queue: u64,
    /// For how long it has been seen, in nanoseconds: it is as old as that, or older.
    pub age_ns: u64,
    /// For how long it has been seen in this state, in nanoseconds.
    pub in_state_ns: u64,
    /// The route that its last request went to, where that is known: `GET /ws`.
    pub route: Option<String>,
    /// The socket's inode, which tells sockets apart.
    pub inode: u64,
}

/// Connections that belong together: those that came in at one listener for one route, or that go out to one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketGroup {
    /// Of incoming connections, the listener's address; of outgoing ones, the other side's; `(other)` of all those for whose
    /// group there was no room.
    pub address: String,
    /// They came in, and were accepted.
    pub incoming: bool,
    /// The route that their last request went to, where that is known.
    pub route: Option<String>,
    /// How many are open.
    pub open: u64,
    /// How many were opened so far, as far as seen. Cumulative.
    pub opened: u64,
    /// Those of them that were seen to be gone, or to have gone over to another route. Cumulative.
    pub closed: u64,
    /// Of the open ones, those whose other side has closed while the process has not (`CLOSE_WAIT`, or `CLOSE` after a reset).
    pub close_wait: u64,
    /// For how long the one of these that waits longest has been seen so, in nanoseconds.
    pub close_wait_ns: u64,
    /// How many of these have been seen so for longer than the limit, [`Header::close_wait_ns`](crate::Header).
    pub overdue: u64,
}

/// Protocol of a socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transport {
    /// TCP over IPv4.
    #[default]
    Tcp,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv4.
    Udp,
    /// UDP over IPv6.
    Udp6,
}
