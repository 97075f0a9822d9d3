//! How busy the runtimes and their workers are, as tokio counts it. Figures of one worker are named as tokio-metrics names them.

use stallscope_wire::Worker;
use std::time::{Duration, Instant};
use tokio::runtime::{RuntimeFlavor, RuntimeMetrics};

/// What the workers of a runtime have done since the last look at it.
#[derive(Debug, Default)]
pub(super) struct Load {
    at: Option<Instant>,
    workers: Vec<Done>,
    shares: Vec<u32>,
}

/// What a worker had done by the last look.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    /// tokio's count of its parks and unparks, odd while it is parked.
    parks: u64,
    busy: Duration,
}

impl Load {
    /// Takes in what tokio has counted by now. At the first look nothing is known of any share.
    pub(super) fn look(&mut self, flavor: RuntimeFlavor, metrics: &RuntimeMetrics) {
        let now = Instant::now();
        let elapsed = self.at.replace(now).map_or(Duration::ZERO, |before| now - before);
        let workers: Vec<Done> = (0..metrics.num_workers()).map(|worker| done(metrics, worker)).collect();
        self.workers.resize(workers.len(), Done::default());
        // Nobody may drive a runtime of one thread.
        let runs = flavor != RuntimeFlavor::CurrentThread;
        let pairs = self.workers.iter().zip(&workers);
        self.shares = pairs.map(|(before, now)| share(*before, *now, elapsed, runs)).collect();
        self.workers = workers;
    }

    /// The share of all workers' time in which they were not parked, in thousandths.
    pub(super) fn mean_permille(&self) -> u32 {
        let sum: u64 = self.shares.iter().copied().map(u64::from).sum();
        sum.checked_div(self.shares.len() as u64).unwrap_or(0) as u32
    }

    /// Adds a worker's figures.
    pub(super) fn describe(&self, metrics: &RuntimeMetrics, worker: &mut Worker) {
        let Some(index) = worker.index.map(|index| index as usize) else { return };
        if let Some(&share) = self.shares.get(index) {
            worker.busy_permille = share;
            count(metrics, index, worker);
        }
    }
}

/// The share of the time in which a worker was not parked, in thousandths.
fn share(before: Done, now: Done, elapsed: Duration, runs: bool) -> u32 {
    if elapsed.is_zero() {
        return 0;
    }
    // tokio adds a worker's time up when it parks, or has polled many tasks: of one that is in a long poll it comes late.
    let awake = runs && before.parks == now.parks && now.parks % 2 == 0;
    if awake { 1000 } else { permille(now.busy.saturating_sub(before.busy), elapsed) }
}

/// Time that comes late may be more than has passed.
fn permille(part: Duration, whole: Duration) -> u32 {
    let share = part.as_nanos() * 1000 / whole.as_nanos().max(1);
    share.min(1000) as u32
}

#[cfg(target_has_atomic = "64")]
fn done(metrics: &RuntimeMetrics, worker: usize) -> Done {
    Done { parks: metrics.worker_park_unpark_count(worker), busy: metrics.worker_total_busy_duration(worker) }
}

#[cfg(not(target_has_atomic = "64"))]
fn done(_metrics: &RuntimeMetrics, _worker: usize) -> Done {
    Done::default()
}

#[cfg(all(tokio_unstable, target_has_atomic = "64"))]
fn count(metrics: &RuntimeMetrics, index: usize, worker: &mut Worker) {
    worker.steal_count = Some(metrics.worker_steal_count(index));
    worker.overflow_count = Some(metrics.worker_overflow_count(index));
    worker.noop_count = Some(metrics.worker_noop_count(index));
}

#[cfg(not(all(tokio_unstable, target_has_atomic = "64")))]
fn count(_metrics: &RuntimeMetrics, _index: usize, _worker: &mut Worker) {}

/// What only an unstable tokio tells.
#[cfg(tokio_unstable)]
pub(super) fn unstable(metrics: &RuntimeMetrics) -> stallscope_wire::Runtime {
    let workers = 0..metrics.num_workers();
    stallscope_wire::Runtime {
        local_queues: workers.map(|worker| metrics.worker_local_queue_depth(worker) as u64).sum(),
        blocking_threads: metrics.num_blocking_threads() as u64,
        blocking_idle: metrics.num_idle_blocking_threads() as u64,
        blocking_queue: metrics.blocking_queue_depth() as u64,
        #[cfg(target_has_atomic = "64")]
        budget_forced_yields: metrics.budget_forced_yield_count(),
        ..stallscope_wire::Runtime::default()
    }
}

#[cfg(not(tokio_unstable))]
pub(super) fn unstable(_metrics: &RuntimeMetrics) -> stallscope_wire::Runtime {
    stallscope_wire::Runtime::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn done(parks: u64, busy_ms: u64) -> Done {
        Done { parks, busy: Duration::from_millis(busy_ms) }
    }

    #[test]
    fn a_share_is_whole_at_most_and_nothing_of_nothing() {
        assert_eq!(share(done(1, 100), done(9, 350), SECOND, true), 250);
        assert_eq!(share(done(1, 0), done(3, 1500), SECOND, true), 1000);
        assert_eq!(share(done(1, 0), done(3, 1), Duration::ZERO, true), 0);
    }

    #[test]
    fn a_worker_in_a_long_poll_is_busy_before_tokio_counts_it() {
        assert_eq!(share(done(4, 100), done(4, 100), SECOND, true), 1000);
        assert_eq!(share(done(5, 100), done(5, 100), SECOND, true), 0, "it is parked");
        assert_eq!(share(done(4, 100), done(4, 100), SECOND, false), 0, "nobody may be in it");
    }
}
