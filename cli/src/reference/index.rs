//! What there is, and what there is not.

use super::state::State;
use super::wait::failed;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

const ROUTES: [&str; 6] =
    ["/", "/blocking/sleep?ms=", "/blocking/cpu?ms=", "/blocking/file", "/fixed/sleep?ms=", "/fixed/cpu?ms="];

pub(super) fn routes() -> Router<State> {
    Router::new().route("/", get(index))
}

async fn index() -> Json<Value> {
    Json(json!({ "service": "stallscope reference server", "routes": ROUTES }))
}

pub(super) async fn not_found(uri: Uri) -> Response {
    failed(StatusCode::NOT_FOUND, &format!("there is no {}: GET / lists the routes", uri.path()))
}

pub(super) async fn not_allowed(method: Method, uri: Uri) -> Response {
    failed(StatusCode::METHOD_NOT_ALLOWED, &format!("{} takes GET, not {method}", uri.path()))
}
