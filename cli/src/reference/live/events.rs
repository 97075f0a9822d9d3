//! A stream of events: a tick each second, and what is said in the chats.

use super::super::answer::failed;
use super::super::shutdown::Hold;
use super::state::Live;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

const TICK: Duration = Duration::from_secs(1);
/// Listeners at a time.
const LIMIT: usize = 10_000;
/// Events that are kept for listeners that are behind; they are told how many they missed.
const KEPT: usize = 256;

/// What all listeners hear.
#[derive(Debug)]
pub(super) struct Feed {
    told: broadcast::Sender<Arc<str>>,
    listeners: AtomicUsize,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { told: broadcast::Sender::new(KEPT), listeners: AtomicUsize::new(0) }
    }

    pub(super) fn tell(&self, said: &str) {
        // That nobody listens is no failure.
        let _ = self.told.send(said.into());
    }

    pub(super) fn listeners(&self) -> usize {
        self.listeners.load(Relaxed)
    }
}

pub(super) async fn listen(State(live): State<Live>) -> Response {
    match Listener::new(&live) {
        Some(listener) => Sse::new(unfold(listener, Listener::next)).into_response(),
        None => failed(StatusCode::SERVICE_UNAVAILABLE, "too many listen already"),
    }
}

/// One client's place in the feed. It is a part of the response's body, which the connection drops when the client has left, and
/// all that it holds is freed then.
struct Listener {
    feed: Arc<Feed>,
    told: broadcast::Receiver<Arc<str>>,
    tick: Interval,
    ticks: u64,
    /// None once the last event was sent.
    hold: Option<Hold>,
}

impl Listener {
    fn new(live: &Live) -> Option<Self> {
        let feed = Arc::clone(&live.feed);
        if feed.listeners.fetch_add(1, Relaxed) >= LIMIT {
            feed.listeners.fetch_sub(1, Relaxed);
            return None;
        }
        let mut tick = interval_at(Instant::now(), TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (told, hold) = (feed.told.subscribe(), Some(live.shutdown.hold()));
        Some(Self { feed, told, tick, ticks: 0, hold })
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let hold = self.hold.as_mut()?;
        let event = tokio::select! {
            biased;
            () = hold.ending() => {
                self.hold = None;
                Event::default().event("end").data("{}")
            }
            told = self.told.recv() => match told {
                Ok(said) => Event::default().event("chat").data(&*said),
                Err(RecvError::Lagged(missed)) => {
                    Event::default().event("missed").data(json!({ "events": missed }).to_string())
                }
                // The feed, which has the sender, is held here.
                Err(RecvError::Closed) => return None,
            },
            _ = self.tick.tick() => {
                self.ticks += 1;
                let tick = json!({ "tick": self.ticks, "listeners": self.feed.listeners() });
                Event::default().event("tick").data(tick.to_string())
            }
        };
        Some((Ok(event), self))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.feed.listeners.fetch_sub(1, Relaxed);
    }
}
