use super::message::Message;
use super::progress::Progress;
use super::target::Target;
use crate::lifeline::Lifeline;
use hyper::HeaderMap;
use hyper::body::Bytes;
use std::time::Duration;

/// What to send.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where to; at least one.
    pub(crate) targets: Vec<Target>,
    /// What goes with it.
    pub(crate) content: Content,
    /// Requests and messages a second, all targets together.
    pub(crate) rate: f64,
    /// For how long they come due.
    pub(crate) duration: Duration,
    /// Connections to each address, and so requests on their way at one time; and sockets to each URL that is held open.
    pub(crate) connections: usize,
    /// How long a WebSocket or an event stream is held, which then is left without a word; else it is held to the end.
    pub(crate) lifetime: Option<Duration>,
    /// Other machines are allowed.
    pub(crate) remote: bool,
    /// How to tell people that it goes on.
    pub(crate) progress: Progress,
    /// Ends the load, besides SIGINT and SIGTERM.
    pub(crate) until: Lifeline,
}

/// What requests and messages consist of, besides their URL.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Sent with each request and handshake.
    pub(crate) headers: HeaderMap,
    /// Sent with each request whose method has a body.
    pub(crate) body: Bytes,
    /// Sent over WebSockets.
    pub(crate) message: Message,
}
