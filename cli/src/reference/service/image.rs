use super::refused::Refused;
use super::thumbnail::{Thumbnail, thumbnail};
use crate::reference::state::State;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{self, DefaultBodyLimit};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use image::ImageFormat;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;

/// The largest file that is taken, in bytes.
const LARGEST: usize = 4 * 1_024 * 1_024;
/// Images that are worked on at one time. Times what one may take in memory, this bounds what all may.
const AT_ONCE: usize = 4;
/// When a refused client may come again: an image takes less.
const SOON: Duration = Duration::from_secs(1);

/// The places where images are worked on: tokio's blocking pool has 512 threads, far more than computing gains from.
#[derive(Debug)]
pub(super) struct Images(Arc<Semaphore>);

impl Images {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Works on an image beside the event loop.
    async fn thumbnail(&self, bytes: Bytes, format: ImageFormat) -> Result<Thumbnail, Refused> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => Refused::for_now("too many images at one time", SOON),
            TryAcquireError::Closed => Refused::by_fault("the places for images are gone"),
        })?;
        let made = spawn_blocking(move || {
            // Held by the work and not by the request: if the client leaves, the work goes on.
            let _place = place;
            thumbnail(&bytes, format)
        });
        made.await.map_err(Refused::by_fault)?.map_err(|error| {
            Refused::with(StatusCode::UNPROCESSABLE_ENTITY, format!("this image cannot be read: {error}"))
        })
    }
}

pub(super) fn routes() -> Router<State> {
    Router::new().route("/image", post(shrink)).layer(DefaultBodyLimit::max(LARGEST))
}

async fn shrink(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let format = format(&headers)?;
    let bytes = body?;
    if bytes.is_empty() {
        return Err(Refused::with(StatusCode::BAD_REQUEST, "there is no image in the body"));
    }
    let Thumbnail { original, size, png } = state.service.images.thumbnail(bytes, format).await?;
    if headers.get(ACCEPT).is_some_and(|accept| accept == "application/json") {
        return Ok(Json(json!({ "original": original, "thumbnail": size })).into_response());
    }
    Ok(([(CONTENT_TYPE, "image/png")], png).into_response())
}

/// What the client says that it sends.
fn format(headers: &HeaderMap) -> Result<ImageFormat, Refused> {
    match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
        Some(b"image/png") => Ok(ImageFormat::Png),
        Some(b"image/jpeg") => Ok(ImageFormat::Jpeg),
        _ => Err(Refused::with(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "only image/png and image/jpeg are taken: say in Content-Type which it is",
        )),
    }
}
