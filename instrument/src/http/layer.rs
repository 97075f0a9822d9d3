use super::naming::Naming;
use super::routes::{PROCESS, Routes};
use super::service::Service;
use http::request::Parts;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Records the latency of every request by its route, and where its time went: a [`tower_layer::Layer`] over any service that
/// takes an [`http::Request`] and answers with an [`http::Response`].
///
/// Add it once, outside the layers whose time shall count: a request that passes it twice is counted twice.
#[derive(Clone)]
pub struct Layer {
    routes: &'static Routes,
    naming: Naming,
}

impl Layer {
    /// A layer that names routes by axum's `MatchedPath` where there is one, and else `*`; requests by their header
    /// `x-request-id`; and peers by axum's `ConnectInfo<SocketAddr>`.
    #[must_use]
    pub fn new() -> Self {
        Self { routes: &PROCESS, naming: Naming::default() }
    }

    /// Names the route of each request with a function, which must give few different answers: a template and not the
    /// path that was asked for. Without the method, which is put before it.
    ///
    /// ```
    /// # use stallscope_instrument as stallscope;
    /// let layer = stallscope::http::Layer::new().route(|request| match request.uri.path() {
    ///     "/" => "/",
    ///     path if path.starts_with("/users/") => "/users/{id}",
    ///     _ => "*",
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn route<F, N>(mut self, namer: F) -> Self
    where
        F: Fn(&Parts) -> N + Send + Sync + 'static,
        N: Into<Cow<'static, str>>,
    {
        self.naming.route = Some(Arc::new(move |request| namer(request).into()));
        self
    }

    /// Names each request with a function, in place of its header `x-request-id`. What is longer than 128 bytes, or not
    /// printable ASCII, is no name.
    #[must_use]
    pub fn request_id<F>(mut self, id: F) -> Self
    where
        F: Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    {
        self.naming.id = Some(Arc::new(id));
        self
    }

    /// Gives the address of the peer that sent a request, by which the list of sockets tells which route a connection serves.
    /// Called for every request.
    #[must_use]
    pub fn peer<F>(mut self, peer: F) -> Self
    where
        F: Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static,
    {
        self.naming.peer = Some(Arc::new(peer));
        self
    }

    #[cfg(test)]
    pub(super) fn into_table(routes: &'static Routes) -> Self {
        Self { routes, naming: Naming::default() }
    }
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("naming", &self.naming).finish_non_exhaustive()
    }
}

impl<S> tower_layer::Layer<S> for Layer {
    type Service = Service<S>;

    fn layer(&self, inner: S) -> Service<S> {
        Service::new(inner, self.routes, self.naming.clone())
    }
}
