//! A pause.
//!
//! Wrong: `std::thread::sleep` puts the worker thread to sleep, not the task.
//! Cost: whatever else this worker has to do waits for the whole pause; on all workers at once, the server is dead for so long.
//! Cure: a timer of the runtime's. The task waits, and the worker goes on with the next.

use super::super::answer::took;
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use std::thread;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/sleep", get(blocking)).route("/fixed/sleep", get(fixed))
}

async fn blocking(Wait(wait): Wait<250>) -> Response {
    thread::sleep(wait); // blocks here: syscall clock_nanosleep
    took("/blocking/sleep", wait)
}

async fn fixed(Wait(wait): Wait<250>) -> Response {
    tokio::time::sleep(wait).await;
    took("/fixed/sleep", wait)
}
