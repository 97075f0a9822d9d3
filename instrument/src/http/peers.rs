//! Which route a connection serves, by its peer's address.

use super::routes::Route;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{LazyLock, PoisonError, RwLock, TryLockError, TryLockResult};

/// Peers that are remembered in a shard: 65,536 in all. Of more, those are forgotten that have not asked for long.
const ROOM: usize = 1024;
const SHARDS: usize = 64;
/// How often a lock is asked for.
const TRIES: usize = 128;

/// The peers of this process.
static PROCESS: LazyLock<Peers> = LazyLock::new(Peers::default);

/// The route of the last request of a connection with this peer: `GET /users/{id}`.
pub(crate) fn route_of(peer: SocketAddr) -> Option<String> {
    PROCESS.route_of(peer).map(Route::name)
}

/// Forgets the peers of which `is_gone` holds.
pub(crate) fn forget(is_gone: &dyn Fn(&SocketAddr) -> bool) {
    PROCESS.forget(is_gone);
}

/// A connection with this peer has asked for the route. A client of IPv4 is known by its address of IPv4, and none by more than
/// address and port.
pub(super) fn note(peer: SocketAddr, route: &'static Route) {
    PROCESS.note(SocketAddr::new(peer.ip().to_canonical(), peer.port()), route);
}

/// Those who asked of late, and those of whom nothing has been heard since there were that many. Nobody is in both.
#[derive(Debug, Default)]
struct Shard {
    late: HashMap<SocketAddr, &'static Route>,
    early: HashMap<SocketAddr, &'static Route>,
}

impl Shard {
    fn get(&self, peer: SocketAddr) -> Option<&'static Route> {
        self.late.get(&peer).or_else(|| self.early.get(&peer)).copied()
    }

    /// Makes room for one more by forgetting the early ones.
    fn insert(&mut self, peer: SocketAddr, route: &'static Route) {
        self.early.remove(&peer);
        if self.late.len() >= ROOM / 2 && !self.late.contains_key(&peer) {
            self.early = std::mem::take(&mut self.late);
        }
        self.late.insert(peer, route);
    }

    fn remove(&mut self, gone: &[SocketAddr]) {
        for map in [&mut self.late, &mut self.early] {
            for peer in gone {
                map.remove(peer);
            }
            // The memory of a crowd that has left.
            if map.capacity() > ROOM / 8 && map.len() < map.capacity() / 4 {
                map.shrink_to_fit();
            }
        }
    }
}

/// The route of each peer's last request.
#[derive(Debug)]
struct Peers([RwLock<Shard>; SHARDS]);

impl Default for Peers {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }
}

impl Peers {
    /// The ports of clients differ where their addresses do not; Linux gives them out in steps of two.
    fn shard(&self, peer: SocketAddr) -> &RwLock<Shard> {
        &self.0[usize::from(peer.port() >> 1) % SHARDS]
    }

    fn route_of(&self, peer: SocketAddr) -> Option<&'static Route> {
        self.shard(peer).read().unwrap_or_else(PoisonError::into_inner).get(peer)
    }

    /// Writes only what has changed, or is about to be forgotten: a connection asks for the same route again and again. What finds
    /// no lock is left to the next request.
    fn note(&self, peer: SocketAddr, route: &'static Route) {
        let shard = self.shard(peer);
        let same = |known: &&Route| std::ptr::eq(*known, route);
        if soon(|| shard.try_read()).is_none_or(|shard| shard.late.get(&peer).is_some_and(same)) {
            return;
        }
        if let Some(mut shard) = soon(|| shard.try_write()) {
            shard.insert(peer, route);
        }
    }

    fn forget(&self, is_gone: &dyn Fn(&SocketAddr) -> bool) {
        for shard in &self.0 {
            // Who is gone is found out beside the requests, which write seldom; only to take them out keeps others waiting.
            let known = shard.read().unwrap_or_else(PoisonError::into_inner);
            let peers = known.late.keys().chain(known.early.keys());
            let gone: Vec<SocketAddr> = peers.copied().filter(is_gone).collect();
            drop(known);
            if !gone.is_empty() {
                shard.write().unwrap_or_else(PoisonError::into_inner).remove(&gone);
            }
        }
    }
}

/// A lock that is to be had at once, or in some microseconds: a request does not wait for a thread that holds one and is not run.
fn soon<G>(mut lock: impl FnMut() -> TryLockResult<G>) -> Option<G> {
    for _ in 0..TRIES {
        match lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
    None
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
    fn of_a_crowd_of_peers_those_are_known_that_asked_last() {
        let (peers, routes) = (Peers::default(), Box::leak(Box::new(Routes::new())));
        let [home, users] = ["/", "/users/{id}"].map(|template| routes.find(&Method::GET, template));
        let crowd = (ROOM * SHARDS) as u32 * 2;
        for number in 0..crowd {
            peers.note(peer(number), home);
            // One that goes on asking.
            peers.note(peer(0), users);
        }
        let kept = |peers: &Peers| {
            let kept = peers.0.iter().map(|shard| shard.read().unwrap());
            kept.map(|shard| shard.late.len() + shard.early.len()).sum::<usize>()
        };
        assert!((ROOM * SHARDS / 2..=ROOM * SHARDS).contains(&kept(&peers)), "{}", kept(&peers));
        let name = |of| peers.route_of(peer(of)).map(Route::name);
        assert_eq!((name(crowd - 1).as_deref(), name(1)), (Some("GET /"), None));
        assert_eq!(name(0).as_deref(), Some("GET /users/{id}"));
        peers.forget(&|_| true);
        assert_eq!(kept(&peers), 0);
    }

    #[test]
    fn a_request_does_not_wait_for_a_lock() {
        let (peers, routes) = (Peers::default(), Box::leak(Box::new(Routes::new())));
        let home = routes.find(&Method::GET, "/");
        let held = peers.shard(peer(1)).write().unwrap();
        peers.note(peer(1), home);
        drop(held);
        assert!(peers.route_of(peer(1)).is_none());
        peers.note(peer(1), home);
        assert!(peers.route_of(peer(1)).is_some(), "the next one is noted");
    }
}
