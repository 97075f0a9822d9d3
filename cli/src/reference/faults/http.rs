//! Another service that is asked.
//!
//! Wrong: a synchronous client on the worker, and no time limit.
//! Cost: everybody behind this worker waits for somebody else's service, and as long as that likes.
//! Cure: an async client, with a time limit. What fails there is told apart: 504 when it takes too long, 502 otherwise.

use super::super::answer::{failed, took};
use super::super::client::AskError;
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
use ureq::Agent;

/// How long our users want to wait for it.
const LIMIT: Duration = Duration::from_secs(2);

/// A proxy from the environment would not reach what is asked here.
static AGENT: LazyLock<Agent> = LazyLock::new(|| Agent::config_builder().proxy(None).build().new_agent());

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/http", get(blocking)).route("/fixed/http", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match fetch(state.upstream, wait) {
        Ok(_) => took("/blocking/http", wait),
        Err(error) => failed(StatusCode::BAD_GATEWAY, &upstream_failed(&error)),
    }
}

fn fetch(upstream: SocketAddr, wait: Duration) -> Result<String, ureq::Error> {
    let url = format!("http://{upstream}{}", path(wait));
    let mut response = AGENT.get(url).call()?; // blocks here: syscall recvfrom
    response.body_mut().read_to_string()
}

async fn fixed(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match state.client.with_patience(LIMIT).get(&path(wait)).await {
        Ok(_) => took("/fixed/http", wait),
        Err(error @ AskError::TooSlow(_)) => failed(StatusCode::GATEWAY_TIMEOUT, &upstream_failed(&error)),
        Err(error) => failed(StatusCode::BAD_GATEWAY, &upstream_failed(&error)),
    }
}

fn path(wait: Duration) -> String {
    format!("/slow?ms={}", wait.as_millis())
}

fn upstream_failed(error: &dyn Error) -> String {
    format!("the upstream failed: {error}")
}
