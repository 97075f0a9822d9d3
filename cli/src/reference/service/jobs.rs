use super::job::{Order, Progress};
use super::queue::{Depth, NotTaken};
use super::refused::Refused;
use crate::reference::state::State;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{self, DefaultBodyLimit, Path};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::time::Duration;

/// The largest order that is taken, in bytes.
const LARGEST: usize = 16 * 1_024;
/// Rounds of one job: about a second's work at most.
const MOST_ROUNDS: u32 = 1_000_000;
/// When a refused client may come again: the worker will have worked off a job or more.
const SOON: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/jobs", get(depth).post(create))
        .route("/jobs/{id}", get(progress))
        .layer(DefaultBodyLimit::max(LARGEST))
}

async fn create(
    extract::State(state): extract::State<State>,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(order) = order?;
    if !(1..=MOST_ROUNDS).contains(&order.rounds) {
        let error = format!("rounds must be from 1 to {MOST_ROUNDS}");
        return Err(Refused::with(StatusCode::UNPROCESSABLE_ENTITY, error));
    }
    let id = state.service.jobs.take(order).map_err(|reason| match reason {
        NotTaken::Full => Refused::for_now("the queue is full", SOON),
        NotTaken::Ending => Refused::for_now("the server is ending", SOON),
    })?;
    let place = [(LOCATION, format!("/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, place, Json(json!({ "id": id }))).into_response())
}

async fn depth(extract::State(state): extract::State<State>) -> Json<Depth> {
    Json(state.service.jobs.depth())
}

async fn progress(
    extract::State(state): extract::State<State>,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<Progress>, Refused> {
    let Path(id) = id?;
    let progress = state.service.jobs.progress(id);
    progress.map(Json).ok_or_else(|| {
        Refused::with(StatusCode::NOT_FOUND, format!("there is no job {id}, or it is forgotten"))
    })
}
