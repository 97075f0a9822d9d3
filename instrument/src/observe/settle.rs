//! The moment that tasks need to end.

use super::registry::registry;
use super::scope::Scope;
use crate::probe::{LagProbe, Wait};
use crate::runtime::Runtime;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::task::{Poll, Waker};
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

/// How long the thread is given back to the runtime in between, where that is the scope's own; how often at least.
const REST: Duration = Duration::from_millis(5);
const RESTS: u32 = 8;

/// Waits until the scope's tasks have ended, or nothing shows that another one will. How many live then.
pub(super) async fn settle(scope: &Scope) -> u64 {
    let runtime = Handle::try_current().ok();
    let begun = Instant::now();
    let mut quiet = Quiet::new(runtime.as_ref(), scope, scope.count());
    while begun.elapsed() < LIMIT {
        let count = scope.count();
        if count == 0 {
            return 0;
        }
        if scope.ended() != quiet.ended || count < quiet.count {
            quiet = Quiet::new(runtime.as_ref(), scope, count);
        }
        if quiet.is_over(runtime.as_ref()) {
            break;
        }
        if quiet.rounds >= ROUNDS && scope.has_own_runtime() {
            // A clock that is paused goes on only while nothing runs: who sleeps is not to sleep for ever. Where others use the
            // runtime, it is not for us to put their clock forward.
            rest().await;
        } else {
            yield_now().await;
        }
        if let (Some(runtime), Some(worker)) = (&runtime, worker_index()) {
            registry().turn((runtime.id(), worker));
        }
        // The workers may wait for this processor.
        std::thread::yield_now();
        quiet.rounds += 1;
    }
    quiet.count
}

/// Waits until the runtime has come to what was given to it so far from outside.
pub(super) async fn come_round(runtime: &Runtime) {
    let begun = Instant::now();
    let probe = LagProbe::send(&runtime.handle, Some(runtime.probe), runtime.is_sampled());
    while probe.wait() == Wait::Waiting && begun.elapsed() < LIMIT {
        yield_now().await;
    }
}

/// Lets the runtime's threads park for a while.
async fn rest() {
    let over = Arc::new(AtomicBool::new(false));
    let mut alarm = Some(Arc::clone(&over));
    poll_fn(|context| {
        if over.load(Acquire) {
            return Poll::Ready(());
        }
        if alarm.take().is_some_and(|over| !wakes(over, context.waker().clone())) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// Has a thread wake a task after a rest; whether there is one.
fn wakes(over: Arc<AtomicBool>, waker: Waker) -> bool {
    let body = move || {
        std::thread::sleep(REST);
        over.store(true, Release);
        waker.wake();
    };
    crate::signals::blocked(|| std::thread::Builder::new().name("stallscope-rest".to_owned()).spawn(body))
        .is_ok()
}

/// A time in which none of the tasks ended.
struct Quiet {
    ended: u64,
    /// How many lived when it began.
    count: u64,
    since: Instant,
    rounds: u32,
    needed: u32,
    /// How far each worker was when it began.
    workers: Vec<Progress>,
}

impl Quiet {
    fn new(runtime: Option<&Handle>, scope: &Scope, count: u64) -> Self {
        let workers = runtime.map(progress).unwrap_or_default();
        let needed = if scope.has_own_runtime() { ROUNDS + RESTS } else { ROUNDS };
        Self { ended: scope.ended(), count, since: Instant::now(), rounds: 0, needed, workers }
    }

    /// It has lasted, and all that was woken before it began has been polled.
    fn is_over(&self, runtime: Option<&Handle>) -> bool {
        let lasted = self.since.elapsed() >= QUIET && self.rounds >= self.needed;
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
