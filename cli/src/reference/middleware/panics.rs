use crate::reference::answer::failed;
use axum::http::StatusCode;
use axum::response::Response;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// Answers for a handler that panicked. Without it the connection would end without a word, and with it all requests behind.
pub(super) fn panics() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(answer as fn(_) -> _)
}

/// What the panic says is for the log alone: it may tell of what no client should know.
fn answer(panic: Box<dyn Any + Send>) -> Response {
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or("no text says of what".to_owned(), |text| (*text).to_owned())
        }
    };
    tracing::error!("a handler panicked: {text}");
    failed(StatusCode::INTERNAL_SERVER_ERROR, "the server failed: its log tells more of this request's id")
}
