use super::routes::Timing;
use http::Response;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The response of a [`Service`](super::Service). Dropped before it is ready, it counts as a request without response.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Taken when the outcome is known.
        timing: Option<Timing>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, timing: Timing) -> Self {
        Self { inner, timing: Some(timing) }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let Some(timing) = this.timing.take() {
            match &outcome {
                Ok(response) => timing.answered(response.status()),
                Err(_) => drop(timing),
            }
        }
        Poll::Ready(outcome)
    }
}
