//! Which route a connection serves, by its peer's address.

use super::routes::Route;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{LazyLock, PoisonError, RwLock};

/// Peers that are remembered in a shard: 65,536 in all. The routes of more are not known until others are forgotten.
const ROOM: usize = 1024;
const SHARDS: usize = 64;

/// The peers of this process.
static PROCESS: LazyLock<Peers> = LazyLock::new(Peers::default);

/// The route of the last request of a connection with this peer: `GET /users/{id}`.
#[cfg_attr(
    not(any(test, all(target_os = "linux", not(stallscope_elsewhere)))),
    expect(dead_code, reason = "the list of sockets asks it")
)]
pub(crate) fn route_of(peer: SocketAddr) -> Option<String> {
    PROCESS.route_of(peer).map(Route::name)
}

/// Forgets the peers of which `is_gone` holds.
#[cfg_attr(
    not(any(test, all(target_os = "linux", not(stallscope_elsewhere)))),
    expect(dead_code, reason = "the list of sockets asks it")
)]
pub(crate) fn forget(is_gone: &dyn Fn(&SocketAddr) -> bool) {
    PROCESS.forget(is_gone);
}

/// A connection with this peer has asked for the route. A client of IPv4 is known by its address of IPv4, and none by more than
/// address and port.
pub(super) fn note(peer: SocketAddr, route: &'static Route) {
    PROCESS.note(SocketAddr::new(peer.ip().to_canonical(), peer.port()), route);
}

#[derive(Debug, Default)]
struct Shard(RwLock<HashMap<SocketAddr, &'static Route>>);

/// The route of each peer's last request.
#[derive(Debug)]
struct Peers([Shard; SHARDS]);

impl Default for Peers {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Shard::default()))
    }
}

impl Peers {
    /// The ports of clients differ where their addresses do not.
    fn shard(&self, peer: SocketAddr) -> &RwLock<HashMap<SocketAddr, &'static Route>> {
        &self.0[usize::from(peer.port()) % SHARDS].0
    }

    fn route_of(&self, peer: SocketAddr) -> Option<&'static Route> {
        self.shard(peer).read().unwrap_or_else(PoisonError::into_inner).get(&peer).copied()
    }

    /// Writes only what has changed: a connection asks for the same route again and again.
    fn note(&self, peer: SocketAddr, route: &'static Route) {
        if self.route_of(peer).is_some_and(|known| std::ptr::eq(known, route)) {
            return;
        }
        let mut known = self.shard(peer).write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < ROOM || known.contains_key(&peer) {
            known.insert(peer, route);
        }
    }

    fn forget(&self, is_gone: &dyn Fn(&SocketAddr) -> bool) {
        for Shard(shard) in &self.0 {
            let mut known = shard.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|peer, _| !is_gone(peer));
            // The memory of a crowd that has left.
            if known.capacity() > ROOM / 8 && known.len() < known.capacity() / 4 {
                known.shrink_to_fit();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes::Routes;
    use super::*;
    use http::Method;

    fn peer(number: u32) -> SocketAddr {
        let [high, low, ..] = number.to_be_bytes();
        SocketAddr::from(([10, 0, high, low], number as u16))
    }

    #[test]
    fn a_peer_has_the_route_it_asked_for_last() {
        let (peers, routes) = (Peers::default(), Box::leak(Box::new(Routes::new())));
        let [home, users] = ["/", "/users/{id}"].map(|template| routes.find(&Method::GET, template));
        peers.note(peer(1), home);
        peers.note(peer(2), home);
        peers.note(peer(1), users);
        let name = |of| peers.route_of(peer(of)).map(Route::name);
        assert_eq!(name(1).as_deref(), Some("GET /users/{id}"));
        assert_eq!((name(2).as_deref(), name(3)), (Some("GET /"), None));
        peers.forget(&|gone| *gone == peer(1));
        assert_eq!((name(1), name(2).as_deref()), (None, Some("GET /")));
    }

    #[test]
    fn a_crowd_of_peers_is_bounded_and_those_known_stay_true() {
        let (peers, routes) = (Peers::default(), Box::leak(Box::new(Routes::new())));
        let [home, users] = ["/", "/users/{id}"].map(|template| routes.find(&Method::GET, template));
        (0..(ROOM * SHARDS) as u32 * 2).for_each(|number| peers.note(peer(number), home));
        let kept = |peers: &Peers| peers.0.iter().map(|shard| shard.0.read().unwrap().len()).sum::<usize>();
        assert_eq!(kept(&peers), ROOM * SHARDS);
        peers.note(peer(0), users);
        assert_eq!(peers.route_of(peer(0)).map(Route::name).as_deref(), Some("GET /users/{id}"));
        peers.forget(&|_| true);
        assert_eq!(kept(&peers), 0);
    }
}
