//! The moment that tasks need to end.

use super::registry::registry;
use super::scope::Scope;
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics, worker_index};
use tokio::task::yield_now;

/// For how long none of the scope's tasks may have ended.
const QUIET: Duration = Duration::from_millis(100);
/// The longest wait.
const LIMIT: Duration = Duration::from_secs(5);
/// How often the scheduler goes round at least, so that time in which the machine was busy elsewhere is no reason to give
/// up: a task that is woken is polled in the first round, and what it wakes in the next.
const ROUNDS: u32 = 256;

/// Waits until the scope's tasks have ended, or nothing shows that another one will.
pub(super) async fn settle(scope: &Scope) {
    let runtime = Handle::try_current().ok();
    let begun = Instant::now();
    let mut quiet = Quiet::new(runtime.as_ref(), scope);
    while !scope.alive().is_empty() && begun.elapsed() < LIMIT {
        if scope.ended() != quiet.ended {
            quiet = Quiet::new(runtime.as_ref(), scope);
        }
        if quiet.is_over(runtime.as_ref()) {
            return;
        }
        yield_now().await;
        if let (Some(runtime), Some(worker)) = (&runtime, worker_index()) {
            registry().turn((runtime.id(), worker));
        }
        // The workers may wait for this processor.
        std::thread::yield_now();
        quiet.rounds += 1;
    }
}

/// A time in which none of the tasks ended.
struct Quiet {
    ended: u64,
    since: Instant,
    rounds: u32,
    /// How far each worker was when it began.
    workers: Vec<Progress>,
}

impl Quiet {
    fn new(runtime: Option<&Handle>, scope: &Scope) -> Self {
        let workers = runtime.map(progress).unwrap_or_default();
        Self { ended: scope.ended(), since: Instant::now(), rounds: 0, workers }
    }

    /// It has lasted, and all that was woken before it began has been polled.
    fn is_over(&self, runtime: Option<&Handle>) -> bool {
        let lasted = self.since.elapsed() >= QUIET && self.rounds >= ROUNDS;
        lasted && runtime.is_none_or(|runtime| self.came_round(runtime))
    }

    /// Each worker has been through its queue since, and nothing waits for one.
    fn came_round(&self, runtime: &Handle) -> bool {
        let now = progress(runtime);
        let mut all = self.workers.iter().zip(&now);
        runtime.metrics().global_queue_depth() == 0
            && all.all(|(before, now)| now.has_come_round_since(before))
    }
}

/// How often a worker has been through its queue.
#[derive(Debug)]
struct Progress {
    /// Parks and unparks: odd while it is parked.
    parks: u64,
    /// Rounds of scopes that settle, and keep it from parking.
    turns: u64,
}

impl Progress {
    fn has_come_round_since(&self, before: &Self) -> bool {
        // One more where it was parked before: it was woken, and has not parked again.
        self.parks % 2 == 1 || self.parks >= before.parks + 2 || self.turns >= before.turns + 2
    }
}

fn progress(runtime: &Handle) -> Vec<Progress> {
    // Its one worker goes round with each round of ours.
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Vec::new();
    }
    let (metrics, registry) = (runtime.metrics(), registry());
    let of =
        |worker| Progress { parks: parks(&metrics, worker), turns: registry.turns((runtime.id(), worker)) };
    (0..metrics.num_workers()).map(of).collect()
}

#[cfg(target_has_atomic = "64")]
fn parks(metrics: &RuntimeMetrics, worker: usize) -> u64 {
    metrics.worker_park_unpark_count(worker)
}

/// Where tokio does not count them, time alone decides.
#[cfg(not(target_has_atomic = "64"))]
fn parks(_metrics: &RuntimeMetrics, _worker: usize) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_was_woken_has_not_come_round_before_it_parks_again() {
        let at = |parks, turns| Progress { parks, turns };
        assert!(at(3, 0).has_come_round_since(&at(3, 0)), "it is parked");
        assert!(!at(4, 0).has_come_round_since(&at(3, 0)), "it was woken");
        assert!(!at(4, 0).has_come_round_since(&at(4, 0)), "it runs");
        assert!(at(5, 0).has_come_round_since(&at(4, 0)), "it parked");
        assert!(at(6, 0).has_come_round_since(&at(4, 0)), "it parked, and was woken again");
        assert!(at(4, 3).has_come_round_since(&at(4, 1)), "it goes round for a scope");
    }
}
