use super::future::ResponseFuture;
use super::layer::Namer;
use super::routes::{Route, Routes};
use http::request::Parts;
use http::{Request, Response};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// A service whose requests are timed; made by [`Layer`](super::Layer).
#[derive(Clone)]
pub struct Service<S> {
    inner: S,
    routes: &'static Routes,
    namer: Option<Namer>,
    /// The route of the first request, shared by all clones: axum gives each route a service of its own, so that nearly
    /// every request finds its route here and takes no lock.
    first: Arc<OnceLock<Arc<Route>>>,
}

impl<S> Service<S> {
    pub(super) fn new(inner: S, routes: &'static Routes, namer: Option<Namer>) -> Self {
        Self { inner, routes, namer, first: Arc::default() }
    }

    fn route_of(&self, request: &Parts) -> Arc<Route> {
        let template = self.template(request);
        match self.first.get() {
            Some(first) if first.is(&request.method, &template) => Arc::clone(first),
            Some(_) => self.routes.find(&request.method, &template),
            None => Arc::clone(self.first.get_or_init(|| self.routes.find(&request.method, &template))),
        }
    }

    fn template<'a>(&self, request: &'a Parts) -> Cow<'a, str> {
        match &self.namer {
            Some(namer) => namer(request),
            None => Cow::Borrowed(matched_path(request).unwrap_or("*")),
        }
    }
}

#[cfg(feature = "axum")]
fn matched_path(request: &Parts) -> Option<&str> {
    request.extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn matched_path(_: &Parts) -> Option<&str> {
    None
}

impl<S, B, R> tower_service::Service<Request<B>> for Service<S>
where
    S: tower_service::Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let timing = Route::begin(self.route_of(&parts));
        ResponseFuture::new(self.inner.call(Request::from_parts(parts, body)), timing)
    }
}

impl<S: fmt::Debug> fmt::Debug for Service<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("inner", &self.inner).finish_non_exhaustive()
    }
}
