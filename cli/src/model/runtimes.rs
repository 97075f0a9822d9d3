use super::process::Process;
use stallscope::analysis::imbalance;
use stallscope_wire::Tier;

/// What a runtime does besides polling, as the dashboard shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuntimeFigures {
    /// Absent where there is one runtime only.
    pub(crate) name: Option<String>,
    pub(crate) injection_queue: u64,
    /// Absent where tokio does not tell.
    pub(crate) pool: Option<PoolFigures>,
    /// Times the cooperative budget made a task yield; absent where tokio does not tell.
    pub(crate) forced_yields: Option<u64>,
    /// The busiest worker's share over the mean.
    pub(crate) imbalance: Option<f64>,
}

/// The blocking pool: its threads, and the jobs that wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolFigures {
    pub(crate) busy: u64,
    pub(crate) idle: u64,
    pub(crate) waiting: u64,
}

/// Of all runtimes, in the order in which they began.
pub(crate) fn runtimes(process: &Process) -> Vec<RuntimeFigures> {
    let Some(snapshot) = process.history.snapshot() else { return Vec::new() };
    let unstable = process.header().tier == Tier::Exact;
    let several = snapshot.runtimes.len() > 1;
    let figures = snapshot.runtimes.iter().map(|runtime| RuntimeFigures {
        name: several.then(|| runtime.name.clone().unwrap_or_else(|| format!("rt{}", runtime.id))),
        injection_queue: runtime.injection_queue,
        pool: unstable.then(|| PoolFigures {
            busy: runtime.blocking_threads.saturating_sub(runtime.blocking_idle),
            idle: runtime.blocking_idle,
            waiting: runtime.blocking_queue,
        }),
        forced_yields: unstable.then_some(runtime.budget_forced_yields),
        imbalance: imbalance(snapshot, runtime.id),
    });
    figures.collect()
}
