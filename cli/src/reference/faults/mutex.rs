//! A lock that somebody else holds while they work.
//!
//! Wrong: a `std::sync::Mutex` is taken on the worker while a count, which holds it, takes its time on another thread.
//! Cost: the worker sleeps until the lock is free, with all that it has to do; a second request takes the second worker.
//! Cure: a `tokio::sync::Mutex`, if the lock must be held across the work: then the task waits for it and the worker does not.
//! Better still is to hold it only to take in what was worked out without it; or one lock for each part of the data.

use super::super::answer::{failed, took};
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// What a count finds in stock.
const COUNTED: u32 = 1_000;

static STOCK: Mutex<u32> = Mutex::new(COUNTED);
static SHARED_STOCK: tokio::sync::Mutex<u32> = tokio::sync::Mutex::const_new(COUNTED);

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/mutex", get(blocking)).route("/fixed/mutex", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>) -> Response {
    let (tell, begun) = oneshot::channel();
    spawn_blocking(move || count(wait, tell));
    if begun.await.is_err() {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "the count failed");
    }
    take_one();
    took("/blocking/mutex", wait)
}

/// Holds the lock for as long as counting takes.
fn count(wait: Duration, begun: oneshot::Sender<()>) {
    let mut stock = STOCK.lock().unwrap_or_else(PoisonError::into_inner);
    // A request that is gone needs no telling.
    let _ = begun.send(());
    thread::sleep(wait);
    *stock = COUNTED;
}

fn take_one() {
    let mut stock = STOCK.lock().unwrap_or_else(PoisonError::into_inner); // blocks here: lock mutex
    *stock = stock.saturating_sub(1);
}

async fn fixed(Wait(wait): Wait<200>) -> Response {
    let (tell, begun) = oneshot::channel();
    tokio::spawn(count_async(wait, tell));
    if begun.await.is_err() {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "the count failed");
    }
    let mut stock = SHARED_STOCK.lock().await;
    *stock = stock.saturating_sub(1);
    took("/fixed/mutex", wait)
}

/// The same, except that nobody's worker waits meanwhile.
async fn count_async(wait: Duration, begun: oneshot::Sender<()>) {
    let mut stock = SHARED_STOCK.lock().await;
    let _ = begun.send(());
    tokio::time::sleep(wait).await;
    *stock = COUNTED;
}
