use stallscope_wire::Snapshot;

/// Below this share of a worker's time, on average, a runtime is as good as idle: who does the little there is says nothing.
const BUSY_PERMILLE: u64 = 10;

/// How unevenly the workers of a runtime were busy since the snapshot before: the largest share of one over the mean of
/// all. 1.0 when all were equally busy, and as many as there are workers when one did everything. None for a runtime of
/// one worker, and for one whose workers were busy for less than 1 % of their time.
///
/// ```
/// use stallscope::analysis::imbalance;
/// use stallscope_wire::{Runtime, Snapshot, Worker};
///
/// let worker = |index, busy_permille| Worker { runtime: 1, index: Some(index), busy_permille, ..Worker::default() };
/// let snapshot = Snapshot {
///     runtimes: vec![Runtime { id: 1, workers: 2, ..Runtime::default() }],
///     workers: vec![worker(0, 900), worker(1, 300)],
///     ..Snapshot::default()
/// };
/// assert_eq!(imbalance(&snapshot, 1), Some(1.5));
/// ```
#[must_use]
pub fn imbalance(snapshot: &Snapshot, runtime: u64) -> Option<f64> {
    // A worker that has never run is not listed.
    let workers = u64::from(snapshot.runtimes.iter().find(|known| known.id == runtime)?.workers);
    let of_it = snapshot.workers.iter().filter(|worker| worker.runtime == runtime && worker.index.is_some());
    let shares = of_it.map(|worker| u64::from(worker.busy_permille));
    let (largest, sum) =
        shares.fold((0, 0), |(largest, sum): (u64, u64), share| (largest.max(share), sum + share));
    let is_clear = workers > 1 && sum >= BUSY_PERMILLE * workers;
    is_clear.then(|| largest as f64 * workers as f64 / sum as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Runtime, Worker};

    fn of(workers: u32, shares: &[u32]) -> Option<f64> {
        let worker = |(index, &busy_permille)| Worker {
            runtime: 7,
            index: Some(index),
            busy_permille,
            ..Worker::default()
        };
        let root = Worker { runtime: 7, busy_permille: 1000, ..Worker::default() };
        let snapshot = Snapshot {
            runtimes: vec![Runtime { id: 7, workers, ..Runtime::default() }],
            workers: (0..).zip(shares).map(worker).chain([root]).collect(),
            ..Snapshot::default()
        };
        imbalance(&snapshot, 7)
    }

    #[test]
    fn it_is_the_largest_share_over_the_mean() {
        assert_eq!(of(4, &[500, 500, 500, 500]), Some(1.0));
        assert_eq!(of(4, &[800, 0, 0, 0]), Some(4.0));
        assert_eq!(of(4, &[800]), Some(4.0), "three have never run");
    }

    #[test]
    fn little_work_or_one_worker_is_no_imbalance() {
        assert_eq!(of(1, &[900]), None);
        assert_eq!(of(4, &[20, 0, 0, 0]), None);
    }
}
