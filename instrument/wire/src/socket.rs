use serde::{Deserialize, Serialize};

/// The process's open sockets at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sockets {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// How many there are; more than are listed when the list is cut.
    pub total: u64,
    /// The sockets: listeners first, then those with the fullest queues.
    pub sockets: Vec<Socket>,
}

/// One open socket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Socket {
    /// Protocol.
    pub transport: Transport,
    /// Own address, `ip:port`.
    pub local: String,
    /// The other side's address; absent when there is none.
    pub peer: Option<String>,
    /// State as Linux names it: `ESTABLISHED`, `LISTEN`, `CLOSE_WAIT`, …
    pub state: String,
    /// Bytes received and not yet read; of a listener, connections not yet accepted.
    pub receive_queue: u64,
    /// Bytes sent and not yet acknowledged; of a listener, nothing.
    pub send_queue: u64,
    /// The socket's inode, which tells sockets apart.
    pub inode: u64,
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
