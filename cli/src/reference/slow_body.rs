//! A limit for clients that send a body slowly, or not at all.

use super::answer::failed;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tower_http::timeout::{DeadlineBody, TimeoutError};

/// Answers with 408 a request whose body has not come within the limit. What reads the body knows only that it failed.
pub(super) async fn limited(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&late);
    let response = next
        .run(request.map(|body| {
            Body::new(DeadlineBody::new(limit, body).map_err(move |error| {
                if error.is::<TimeoutError>() {
                    seen.store(true, Relaxed);
                }
                error
            }))
        }))
        .await;
    if late.load(Relaxed) {
        return failed(
            StatusCode::REQUEST_TIMEOUT,
            &format!("the body did not come within {limit:?}: send it without pauses"),
        );
    }
    response
}
