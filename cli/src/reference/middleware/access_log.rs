use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tracing::Span;

/// Logs each request in one line when it is over, whichever way it ends.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let mut entry = Entry::of(&request);
    let (parts, body) = next.run(request).await.into_parts();
    entry.status = Some(parts.status);
    // Of an answer to HEAD nothing more is sent than its head.
    entry.is_whole = body.is_end_stream() || entry.method == Method::HEAD;
    Response::from_parts(parts, Body::new(Logged { body, entry }))
}

/// The line about a request, written when it is dropped: with the last of the response, or with what a client left behind.
struct Entry {
    span: Span,
    started: Instant,
    method: Method,
    route: Option<MatchedPath>,
    status: Option<StatusCode>,
    is_whole: bool,
}

impl Entry {
    fn of(request: &Request) -> Self {
        Self {
            span: Span::current(),
            started: Instant::now(),
            method: request.method().clone(),
            // The template and not the path: that is what figures are added up by, and no path's secret gets into the log.
            route: request.extensions().get().cloned(),
            status: None,
            is_whole: false,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let ms = self.started.elapsed().as_micros() as f64 / 1e3;
        let (method, route) = (&self.method, self.route.as_ref().map_or("*", MatchedPath::as_str));
        let status = self.status.map(|status| status.as_u16());
        let outcome = match (self.status, self.is_whole) {
            (Some(_), true) => "answered",
            (Some(_), false) => "cut off",
            (None, _) => "client left",
        };
        tracing::info!(target: "access", parent: &self.span, %method, route, status, ms, outcome);
    }
}

/// A response's body that takes the line about its request with it.
struct Logged {
    body: Body,
    entry: Entry,
}

impl hyper::body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, entry } = &mut *self;
        let _entered = entry.span.enter();
        let frame = std::task::ready!(Pin::new(&mut *body).poll_frame(cx));
        entry.is_whole = frame.is_none() || body.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::super::stack;
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use std::future::pending;
    use std::io::{self, Read};
    use std::sync::Arc;
    use std::time::Duration;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_request_that_nobody_waits_for_is_logged_when_it_is_dropped() {
        let (mut log, writer) = io::pipe().unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(writer)).finish();
        let logged = tracing::subscriber::set_default(subscriber);
        let app = stack(Router::new().route("/users/{id}", get(pending::<()>)));
        let request = Request::get("/users/7").header("x-request-id", "gone").body(Body::empty()).unwrap();
        let answer = tokio::time::timeout(Duration::ZERO, app.oneshot(request));
        assert!(answer.await.is_err(), "the handler never answers");
        drop(logged);
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in ["request{id=\"gone\"}", "method=GET", "route=\"/users/{id}\"", "outcome=\"client left\""]
        {
            assert!(text.contains(part), "no {part} in {text}");
        }
        assert!(!text.contains("status"), "{text}");
    }
}
