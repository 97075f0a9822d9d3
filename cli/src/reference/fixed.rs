//! The work of the blocking routes, done as it ought to be.

use super::compute::hash_for;
use super::state::State;
use super::wait::{Wait, failed, took};
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use tokio::task::spawn_blocking;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/fixed/sleep", get(sleep)).route("/fixed/cpu", get(cpu))
}

async fn sleep(Wait(wait): Wait<250>) -> Response {
    tokio::time::sleep(wait).await;
    took("/fixed/sleep", wait)
}

async fn cpu(Wait(wait): Wait<200>) -> Response {
    match spawn_blocking(move || hash_for(wait)).await {
        Ok(_) => took("/fixed/cpu", wait),
        Err(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, &format!("the computation was lost: {error}"))
        }
    }
}
