use crate::reference::answer::failed;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::fmt::Display;
use std::time::Duration;

/// Why a request is not answered as it was meant; as a response it has the form of every failure here.
///
/// Whatever refuses by itself (an extractor for a body that is too large, or no JSON) becomes one by `?`, with its own status.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    error: String,
    /// When it may go better.
    retry_after: Option<Duration>,
}

impl Refused {
    pub(super) fn with(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), retry_after: None }
    }

    /// There is no room now, and there may be after a while.
    pub(super) fn for_now(error: &str, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::with(StatusCode::SERVICE_UNAVAILABLE, error) }
    }

    /// Something failed that the client has no part in: it learns no more than that, and the log has the reason.
    pub(super) fn by_fault(error: impl Display) -> Self {
        tracing::error!("{error}");
        Self::with(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed: its log tells more of this request's id",
        )
    }
}

impl<R: Display + IntoResponse> From<R> for Refused {
    fn from(rejection: R) -> Self {
        let error = rejection.to_string();
        Self::with(rejection.into_response().status(), error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = failed(self.status, &self.error);
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait));
        }
        response
    }
}

/// As the header has them: rounded up, so that who waits that long does not come too early.
fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
