//! What a request is known by.

use super::id::{HEADER, RequestId};
use http::request::Parts;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Reads something from the head of a request.
type Read<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

/// The functions that the app has given for this; where there is none, what is usual.
#[derive(Clone, Default)]
pub(super) struct Naming {
    pub(super) route: Option<Read<Cow<'static, str>>>,
    pub(super) id: Option<Read<Option<String>>>,
    pub(super) peer: Option<Read<Option<SocketAddr>>>,
}

impl Naming {
    pub(super) fn template<'a>(&self, request: &'a Parts) -> Cow<'a, str> {
        match &self.route {
            Some(namer) => namer(request),
            None => Cow::Borrowed(matched_path(request).unwrap_or("*")),
        }
    }

    pub(super) fn id(&self, request: &Parts) -> RequestId {
        match &self.id {
            Some(id) => RequestId::of_text(id(request)),
            None => RequestId::of_header(request.headers.get(HEADER)),
        }
    }

    pub(super) fn peer(&self, request: &Parts) -> Option<SocketAddr> {
        match &self.peer {
            Some(peer) => peer(request),
            None => connect_info(request),
        }
    }
}

impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming")
            .field("route_by_function", &self.route.is_some())
            .field("id_by_function", &self.id.is_some())
            .field("peer_by_function", &self.peer.is_some())
            .finish()
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

#[cfg(feature = "axum")]
fn connect_info(request: &Parts) -> Option<SocketAddr> {
    use axum::extract::ConnectInfo;
    request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer)
}

#[cfg(not(feature = "axum"))]
fn connect_info(_: &Parts) -> Option<SocketAddr> {
    None
}
