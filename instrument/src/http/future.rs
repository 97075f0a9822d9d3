use super::flight::Flight;
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
        flight: Option<Flight>,
    }
}

impl<F> ResponseFuture<F> {
    /// Without a flight it is only passed on.
    pub(super) fn new(inner: F, flight: Option<Flight>) -> Self {
        Self { inner, flight }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(flight) = this.flight else { return this.inner.poll(cx) };
        let outcome = ready!(flight.poll(cx, |cx| this.inner.poll(cx)));
        if let Some(flight) = this.flight.take() {
            match &outcome {
                Ok(response) => flight.answered(response.status()),
                Err(_) => drop(flight),
            }
        }
        Poll::Ready(outcome)
    }
}
