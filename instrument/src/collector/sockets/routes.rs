//! The route that a connection serves, as the layer of the feature `http` knows it by the client's address.

use std::net::SocketAddr;

/// The route of the last request that came from there; none where nobody knows.
pub(super) fn of(_peer: SocketAddr) -> Option<String> {
    None
}

/// Its connection is gone.
pub(super) fn forget(_peer: SocketAddr) {}
