use crate::reference::state::State;
use axum::extract;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether new requests are welcome. They are answered in either case: it is for whoever spreads them over several servers.
#[derive(Debug)]
pub(in crate::reference) struct Readiness(AtomicBool);

impl Readiness {
    pub(super) fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Asks for no more requests, for good: the server is about to end.
    pub(in crate::reference) fn withdraw(&self) {
        self.0.store(false, Relaxed);
    }

    fn is_there(&self) -> bool {
        self.0.load(Relaxed)
    }
}

pub(super) fn routes() -> Router<State> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// Says no more than that the event loop turns. It asks nobody else, or a database's failure would have every server restarted.
async fn healthz() -> Json<Value> {
    Json(json!({ "alive": true }))
}

async fn readyz(extract::State(state): extract::State<State>) -> (StatusCode, Json<Value>) {
    let ready = state.service.readiness.is_there();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_server_that_is_about_to_end_lives_and_is_not_ready() {
        let state = State::start().await.unwrap();
        let status = async |path| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            routes().with_state(state.clone()).oneshot(request).await.unwrap().status()
        };
        assert_eq!((status("/healthz").await, status("/readyz").await), (StatusCode::OK, StatusCode::OK));
        state.service.readiness.withdraw();
        assert_eq!(status("/healthz").await, StatusCode::OK);
        assert_eq!(status("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
