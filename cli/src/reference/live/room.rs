use super::events::Feed;
use axum::extract::ws::Utf8Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Members at a time.
const LIMIT: usize = 10_000;
/// Messages that wait for a member at most: one that takes them too slowly must go, since those who speak do not wait.
const QUEUE: usize = 256;

/// Those who hear each other.
#[derive(Debug)]
pub(super) struct Room {
    members: Mutex<HashMap<u64, Member>>,
    feed: Arc<Feed>,
    pub(super) seen: Seen,
}

/// What the room knows of a member.
#[derive(Debug)]
struct Member {
    queue: mpsc::Sender<Utf8Bytes>,
    /// Dropped with the rest when the room lets go of the member, who learns it so even while it waits for its client.
    _stays: oneshot::Sender<()>,
}

/// What became of those who came; each figure stands alone.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) joined: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) left: AtomicU64,
    pub(super) silent: AtomicU64,
    pub(super) slow: AtomicU64,
    pub(super) broken: AtomicU64,
}

impl Room {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        Self { members: Mutex::default(), feed, seen: Seen::default() }
    }

    /// A place in the room; none when it is full.
    pub(super) fn join(self: &Arc<Self>) -> Option<Place> {
        let mut members = self.members();
        if members.len() >= LIMIT {
            return None;
        }
        let id = self.seen.joined.fetch_add(1, Relaxed) + 1;
        let (queue, heard) = mpsc::channel(QUEUE);
        let (stays, let_go) = oneshot::channel();
        members.insert(id, Member { queue, _stays: stays });
        drop(members);
        Some(Place { room: Arc::clone(self), id, heard, let_go })
    }

    /// Says it to everybody else, and to those who listen to the events. Waits for nobody: lets go of who is behind.
    pub(super) fn say(&self, from: u64, text: &str) {
        let said = json!({ "from": from, "text": text }).to_string();
        self.feed.tell(&said);
        let said = Utf8Bytes::from(said);
        self.members().retain(|&id, member| {
            use mpsc::error::TrySendError::Full;
            id == from || !matches!(member.queue.try_send(said.clone()), Err(Full(_)))
        });
    }

    pub(super) fn size(&self) -> usize {
        self.members().len()
    }

    pub(super) fn counts(&self) -> Value {
        let Seen { joined, refused, left, silent, slow, broken } = &self.seen;
        let count = |count: &AtomicU64| count.load(Relaxed);
        json!({
            "members": self.size(), "joined": count(joined), "refused": count(refused), "left": count(left),
            "silent": count(silent), "slow": count(slow), "broken": count(broken),
        })
    }

    fn members(&self) -> MutexGuard<'_, HashMap<u64, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member's place in a room; dropped, the member is out of it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: Arc<Room>,
    pub(super) id: u64,
    /// What the others say.
    pub(super) heard: mpsc::Receiver<Utf8Bytes>,
    /// Over when the room has let go of the member.
    pub(super) let_go: oneshot::Receiver<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.members().remove(&self.id);
    }
}
