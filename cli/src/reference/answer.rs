use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// The form of every failure.
pub(super) fn failed(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// The form of every answer of a route that takes its time.
pub(super) fn took(route: &str, wait: Duration) -> Response {
    Json(json!({ "route": route, "ms": wait.as_millis() as u64 })).into_response()
}
