use super::answer::failed;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// The longest wait that a request may ask for, in milliseconds.
const LONGEST_MS: u64 = 10_000;

/// How long a route shall take: `?ms=`, or a default.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait<const DEFAULT_MS: u64>(pub(super) Duration);

impl<const DEFAULT_MS: u64, S: Sync> FromRequestParts<S> for Wait<DEFAULT_MS> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Refusal(error.body_text()))?;
        let mut ms = DEFAULT_MS;
        for (name, value) in pairs {
            if name != "ms" {
                return Err(Refusal(format!(
                    "there is no parameter {name:?}: this route takes only ms, such as ?ms=200"
                )));
            }
            ms = value.parse().ok().filter(|&ms| ms <= LONGEST_MS).ok_or_else(|| {
                Refusal(format!(
                    "ms={value} does not do: give a whole number of milliseconds from 0 to {LONGEST_MS}"
                ))
            })?;
        }
        Ok(Self(Duration::from_millis(ms)))
    }
}

/// A request that makes no sense, answered with status 400.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        failed(StatusCode::BAD_REQUEST, &self.0)
    }
}
