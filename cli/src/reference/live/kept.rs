use axum::extract::ws::WebSocket;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Sockets at most: the fault shall show, and not hurt.
const LIMIT: usize = 10_000;

/// Sockets of clients that have gone, kept for when they come back.
///
/// They never do: a client opens a new connection. Nobody reads these, so nobody notices that the other end is closed; nobody
/// drops them, so this end never is. The kernel holds each in the state CLOSE_WAIT, which waits for us.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<VecDeque<WebSocket>>);

impl Kept {
    pub(super) fn keep(&self, socket: WebSocket) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if kept.len() == LIMIT { kept.pop_front() } else { None };
        kept.push_back(socket);
        drop(kept);
        // Closed without the lock.
        drop(oldest);
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
