//! The route that a connection serves, as the layer of the feature `http` knows it by the client's address.

use std::net::SocketAddr;

/// Which clients the layer need not remember: those that have had no connection at two looks in a row. At one look alone their
/// connection may have come after the kernel's list was read.
#[derive(Debug, Default)]
pub(super) struct Routes {
    #[cfg(feature = "http")]
    absent: std::collections::HashSet<SocketAddr>,
}

impl Routes {
    /// The route of the last request that came from there; none where nobody knows.
    #[cfg(feature = "http")]
    pub(super) fn of(peer: SocketAddr) -> Option<String> {
        crate::http::route_of(peer)
    }

    /// Nobody knows.
    #[cfg(not(feature = "http"))]
    pub(super) fn of(_peer: SocketAddr) -> Option<String> {
        None
    }

    /// Has the layer forget whose connections are gone.
    #[cfg(feature = "http")]
    pub(super) fn tidy(&mut self, open: impl Iterator<Item = SocketAddr>) {
        use std::cell::RefCell;
        use std::collections::HashSet;
        let open: HashSet<_> = open.collect();
        let before = std::mem::take(&mut self.absent);
        let absent = RefCell::new(HashSet::new());
        crate::http::forget(&|peer| {
            let is_gone = !open.contains(peer);
            if is_gone && !before.contains(peer) {
                absent.borrow_mut().insert(*peer);
                return false;
            }
            is_gone
        });
        self.absent = absent.into_inner();
    }

    /// Nobody remembers them.
    #[cfg(not(feature = "http"))]
    pub(super) fn tidy(&mut self, _open: impl Iterator<Item = SocketAddr>) {}
}
