use super::super::connections::Places;
use super::super::shutdown::Shutdown;
use super::events::Feed;
use super::kept::Kept;
use super::room::Room;
use super::{chat, events};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// All that is open, and what it takes to end it.
#[derive(Debug, Clone)]
pub(in super::super) struct Live {
    pub(super) shutdown: Shutdown,
    pub(super) heartbeat: Duration,
    pub(super) feed: Arc<Feed>,
    pub(super) chat: Arc<Room>,
    pub(super) leaky: Arc<Room>,
    pub(super) kept: Arc<Kept>,
    places: Places,
}

impl Live {
    pub(in super::super) fn new(shutdown: Shutdown, places: Places, heartbeat: Duration) -> Self {
        let feed = Arc::new(Feed::new());
        Self {
            shutdown,
            heartbeat,
            chat: Arc::new(Room::new(Arc::clone(&feed))),
            leaky: Arc::new(Room::new(Arc::clone(&feed))),
            feed,
            kept: Arc::default(),
            places,
        }
    }
}

/// A request that is answered well as it stands.
pub(in super::super) const GETS: [&str; 1] = ["/live"];
/// And those whose answers do not end.
pub(in super::super) const MORE: [&str; 3] = [
    "GET /events, a stream of them",
    "GET /ws as a WebSocket, with {\"text\": \"any\"} for all others",
    "GET /ws/leaky, the same, which forgets its connections",
];

pub(in super::super) fn routes<S: Clone + Send + Sync + 'static>(live: Live) -> Router<S> {
    Router::new()
        .route("/events", get(events::listen))
        .route("/ws", get(chat::join))
        .route("/ws/leaky", get(chat::join_leaky))
        .route("/live", get(counts))
        .with_state(live)
}

/// What is open in this process, and what became of what was.
async fn counts(State(live): State<Live>) -> Json<Value> {
    Json(json!({
        "pid": std::process::id(),
        "connections": live.places.taken(),
        "listeners": live.feed.listeners(),
        "chat": live.chat.counts(),
        "leaky": live.leaky.counts(),
        "kept": live.kept.count(),
    }))
}
