use super::refused::Refused;
use crate::reference::state::State;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

/// Says the breaker's state in every answer of the route.
const BREAKER: HeaderName = HeaderName::from_static("x-breaker");

pub(super) fn routes() -> Router<State> {
    Router::new().route("/upstream/flaky", get(flaky))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Percent of the requests to the upstream that fail.
    #[serde(default = "every_third")]
    fail: u8,
}

fn every_third() -> u8 {
    33
}

async fn flaky(
    extract::State(state): extract::State<State>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(Asked { fail }) = asked?;
    let breaker = &state.service.breaker;
    let (attempts, outcome) = breaker.get(&format!("/flaky?fail={fail}")).await;
    let state = breaker.state();
    let mut response = match outcome {
        Ok(part) => Json(json!({ "upstream": part, "attempts": attempts, "breaker": state })).into_response(),
        Err(error) => match error.into_inner() {
            None => Refused::for_now("the upstream fails, and is left alone for now", breaker.pause().await),
            Some(error) => Refused::with(
                StatusCode::BAD_GATEWAY,
                format!("the upstream failed {attempts} times, at last so: {error}"),
            ),
        }
        .into_response(),
    };
    response.headers_mut().insert(BREAKER, HeaderValue::from_static(state));
    Ok(response)
}
