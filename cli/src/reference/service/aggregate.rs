use super::refused::Refused;
use crate::reference::state::State;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/aggregate", get(aggregate))
}

/// What the upstream is asked for.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// Which item.
    item: u32,
    /// How long the slow part takes, in milliseconds.
    ms: u32,
    /// How many percent of the requests for the flaky part fail.
    fail: u8,
}

impl Default for Asked {
    fn default() -> Self {
        Self { item: 1, ms: 50, fail: 0 }
    }
}

/// What came, and why the rest did not.
#[derive(Default, Serialize)]
struct Answer {
    parts: BTreeMap<&'static str, Value>,
    failed: BTreeMap<&'static str, String>,
}

/// Asks for all parts at once: it takes as long as the slowest, and no longer than the client's patience. Who gets two parts of
/// three can show two; only with none is there nothing to answer.
async fn aggregate(
    extract::State(state): extract::State<State>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<(StatusCode, Json<Answer>), Refused> {
    let Query(Asked { item, ms, fail }) = asked?;
    let client = &state.client;
    let paths = (format!("/items/{item}"), format!("/slow?ms={ms}"), format!("/flaky?fail={fail}"));
    let (item, slow, flaky) = tokio::join!(client.get(&paths.0), client.get(&paths.1), client.get(&paths.2));

    let mut answer = Answer::default();
    for (name, outcome) in [("item", item), ("slow", slow), ("flaky", flaky)] {
        match outcome {
            Ok(part) => {
                answer.parts.insert(name, part);
            }
            Err(error) => {
                tracing::warn!("the upstream's {name}: {error}");
                answer.failed.insert(name, error.to_string());
            }
        }
    }
    let status = if answer.parts.is_empty() { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
    Ok((status, Json(answer)))
}
