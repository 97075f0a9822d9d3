use super::flight::Flight;
use super::future::ResponseFuture;
use super::naming::Naming;
use super::peers;
use super::routes::{Route, Routes};
use crate::{clock, engine};
use http::request::Parts;
use http::{Request, Response};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// A service whose requests are timed; made by [`Layer`](super::Layer).
#[derive(Clone)]
pub struct Service<S> {
    inner: S,
    /// Shared by all clones, and in one piece: axum clones a service for each request.
    shared: Arc<Shared>,
}

struct Shared {
    routes: &'static Routes,
    naming: Naming,
    /// The route of the first request: axum gives each route a service of its own, so that nearly every request finds its
    /// route here and takes no lock.
    first: OnceLock<&'static Route>,
}

impl Shared {
    fn route_of(&self, request: &Parts) -> &'static Route {
        let template = self.naming.template(request);
        match self.first.get() {
            Some(first) if first.is(&request.method, &template) => first,
            Some(_) => self.routes.find(&request.method, &template),
            None => self.first.get_or_init(|| self.routes.find(&request.method, &template)),
        }
    }
}

impl<S> Service<S> {
    pub(super) fn new(inner: S, routes: &'static Routes, naming: Naming) -> Self {
        Self { inner, shared: Arc::new(Shared { routes, naming, first: OnceLock::new() }) }
    }
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
        if !clock::is_started() || engine::is_forked() {
            // Nobody asks what became of it.
            return ResponseFuture::new(self.inner.call(request), None);
        }
        let (parts, body) = request.into_parts();
        let Shared { routes, naming, .. } = &*self.shared;
        let route = self.shared.route_of(&parts);
        if let Some(peer) = naming.peer(&parts) {
            peers::note(peer, route);
        }
        let mut flight = Flight::begin(routes, route, naming.id(&parts));
        let request = Request::from_parts(parts, body);
        let response = flight.visit(|| self.inner.call(request));
        ResponseFuture::new(response, Some(flight))
    }
}

impl<S: fmt::Debug> fmt::Debug for Service<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("inner", &self.inner).finish_non_exhaustive()
    }
}
