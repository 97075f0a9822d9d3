use stallscope_wire::Transport;
use std::net::SocketAddr;

/// The kernel's tables.
pub(super) const TRANSPORTS: [Transport; 4] =
    [Transport::Tcp, Transport::Tcp6, Transport::Udp, Transport::Udp6];

/// States of `include/net/tcp_states.h`.
pub(super) const CLOSE: u8 = 7;
pub(super) const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;
pub(super) const LISTEN: u8 = 10;
const CLOSING: u8 = 11;

/// All of them; UDP uses the second and the eighth.
const STATES: [&str; 13] = [
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
];

/// What tells a socket from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id {
    /// The kernel gives no cookie twice.
    Cookie(u64),
    /// No two open ones have the same.
    Inode(u64),
}

/// A socket as the kernel tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: Id,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) peer: Option<SocketAddr>,
    pub(super) state: u8,
    pub(super) receive_queue: u64,
    pub(super) send_queue: u64,
    pub(super) inode: u64,
}

impl Row {
    pub(super) fn is_tcp(&self) -> bool {
        matches!(self.transport, Transport::Tcp | Transport::Tcp6)
    }

    /// A connection of TCP: the two sides of it.
    pub(super) fn connection(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.peer.filter(|_| self.is_tcp() && self.state != LISTEN).map(|peer| (self.local, peer))
    }

    /// The other side has closed, and the process has not.
    pub(super) fn is_left_over(&self) -> bool {
        self.connection().is_some() && matches!(self.state, CLOSE_WAIT | CLOSE)
    }

    /// Its transport, addresses and state, for people.
    pub(super) fn in_words(&self) -> String {
        let transport = if self.is_tcp() { "TCP" } else { "UDP" };
        let peer = self.peer.map(|peer| format!(" to {peer}")).unwrap_or_default();
        let state = if self.is_tcp() { format!(" ({})", self.state_name()) } else { String::new() };
        format!("{transport} {}{peer}{state}", self.local)
    }

    pub(super) fn state_name(&self) -> &'static str {
        STATES.get(usize::from(self.state)).copied().unwrap_or(STATES[0])
    }
}

/// How many bytes nobody has read: the kernel counts the other side's end as one.
pub(super) fn unread(state: u8, queue: u64) -> u64 {
    queue.saturating_sub(u64::from(matches!(state, CLOSE_WAIT | LAST_ACK | CLOSING)))
}

/// An address of IPv4 in one of IPv6 is the same as that of IPv4.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
