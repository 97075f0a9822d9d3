//! The slowest requests, kept with what they did.

use super::flight::Flight;
use super::routes::Route;
use crate::engine::lock;
use stallscope_wire::{Serving, SlowRequest, Spent};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many of one route are kept, so that one slow route leaves room for others, and how many in all.
const OF_ROUTE: usize = 4;
const IN_ALL: usize = 32;

/// Told again after so long, in nanoseconds, for those who came to look meanwhile.
const TOLD_AGAIN_NS: u64 = 5_000_000_000;

/// The slowest requests of all routes.
#[derive(Debug)]
pub(super) struct Slowest {
    kept: Mutex<Kept>,
    /// What takes no longer has no chance. Written under the lock, read by every request that ends.
    floor_ns: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    slowest: Vec<(&'static Route, SlowRequest)>,
    /// Since they were told last.
    changed: bool,
    told_ns: u64,
}

impl Slowest {
    pub(super) const fn new() -> Self {
        let kept = Kept { slowest: Vec::new(), changed: false, told_ns: 0 };
        Self { kept: Mutex::new(kept), floor_ns: AtomicU64::new(0) }
    }

    /// Keeps a request that is over, if it is among the slowest. One that is not costs two loads.
    pub(super) fn note(&self, flight: &Flight, took_ns: u64, spent: Spent) {
        let floor_ns = self.floor_ns.load(Relaxed).max(flight.route().slow_ns.load(Relaxed));
        if took_ns > floor_ns {
            self.keep(flight, took_ns, spent);
        }
    }

    #[cold]
    fn keep(&self, flight: &Flight, took_ns: u64, spent: Spent) {
        let route = flight.route();
        let (timeline, cut) = flight.timeline();
        let id = Some(flight.id()).filter(|id| !id.is_empty()).map(str::to_owned);
        let slow = SlowRequest {
            request: Serving { route: route.name(), id },
            status: flight.status(),
            started_ns: flight.started_ns(),
            took_ns,
            spent,
            timeline,
            cut,
        };
        let mut guard = lock(&self.kept);
        guard.changed = true;
        let kept = &mut guard.slowest;
        let at = kept.partition_point(|(_, other)| other.took_ns >= took_ns);
        kept.insert(at, (route, slow));
        let own = |other: &&'static Route| std::ptr::eq(*other, route);
        if kept.iter().filter(|(other, _)| own(other)).count() > OF_ROUTE
            && let Some(last) = kept.iter().rposition(|(other, _)| own(other))
        {
            kept.remove(last);
        }
        kept.truncate(IN_ALL);
        let mut of_route = kept.iter().filter(|(other, _)| own(other)).map(|(_, slow)| slow.took_ns);
        route.slow_ns.store(of_route.nth(OF_ROUTE - 1).unwrap_or(0), Relaxed);
        let last = kept.get(IN_ALL - 1).map_or(0, |(_, slow)| slow.took_ns);
        self.floor_ns.store(last, Relaxed);
    }

    /// The slowest first, unless they are the same that were told not long before `at_ns`.
    pub(super) fn news(&self, at_ns: u64) -> Vec<SlowRequest> {
        let mut kept = lock(&self.kept);
        if !kept.changed && at_ns.saturating_sub(kept.told_ns) < TOLD_AGAIN_NS {
            return Vec::new();
        }
        (kept.changed, kept.told_ns) = (false, at_ns);
        kept.slowest.iter().map(|(_, slow)| slow.clone()).collect()
    }

    /// The slowest first.
    #[cfg(test)]
    pub(super) fn read(&self) -> Vec<SlowRequest> {
        lock(&self.kept).slowest.iter().map(|(_, slow)| slow.clone()).collect()
    }
}
