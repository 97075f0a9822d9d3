//! What there is, and what there is not.

use super::answer::failed;
use super::faults;
use super::live;
use super::service;
use super::state::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The routes of all parts, as requests that they answer well as they stand, once a number follows an open `ms=`.
const ROUTES: [&[&str]; 4] = [&["/"], &faults::ROUTES, &service::GETS, &live::GETS];
/// And those that take more, or do not end.
const MORE: [&[&str]; 2] = [&service::MORE, &live::MORE];

pub(super) fn routes() -> Router<State> {
    Router::new().route("/", get(index))
}

async fn index() -> Json<Value> {
    Json(
        json!({ "service": "stallscope reference server", "routes": ROUTES.concat(), "more": MORE.concat() }),
    )
}

pub(super) async fn not_found(uri: Uri) -> Response {
    failed(StatusCode::NOT_FOUND, &format!("there is no {}: GET / lists the routes", uri.path()))
}

pub(super) async fn not_allowed(method: Method, uri: Uri) -> Response {
    failed(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("{} does not take {method}, but what the header Allow says", uri.path()),
    )
}
