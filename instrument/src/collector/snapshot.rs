//! The state of the runtimes, read from tokio's metrics and our own cells.

use crate::clock::{self, ticks_to_ns};
use crate::diagnosis::Settled;
use crate::engine::Engine;
use crate::recorder::{self, Open, Registered, Row};
use crate::runtime::Runtime;
use stallscope_wire::{Histogram, LagState, Location, Mode, Polling, Snapshot, Waits, Worker, WorkerState};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::RuntimeMetrics;

/// Takes snapshots; keeps what their differences need.
pub(super) struct Snapshots {
    settled: Arc<Settled>,
    /// By runtime.
    busy: HashMap<u64, Busy>,
}

impl Snapshots {
    pub(super) fn new(settled: Arc<Settled>) -> Self {
        Self { settled, busy: HashMap::new() }
    }

    /// The state now; `whole` with what is told of each spawn location, which is not done each time.
    pub(super) fn take(&mut self, engine: &Engine, whole: bool) -> Snapshot {
        let runtimes = &engine.runtimes();
        self.busy.retain(|id, _| runtimes.iter().any(|runtime| runtime.id == *id));
        let past = engine.past();
        let mut startup = past.startup;
        runtimes.iter().for_each(|runtime| startup.add(runtime.startup()));
        Snapshot {
            at_ns: clock::now_ns(),
            mode: recorder::mode(),
            runtimes: runtimes.iter().map(|runtime| self.runtime(runtime)).collect(),
            workers: workers(runtimes),
            poll: self.polls(),
            untimed: recorder::cells().iter().map(|cell| cell.untimed()).sum(),
            schedule: schedule(),
            lag: lag(past.lag, runtimes),
            locations: if whole { self.locations() } else { Vec::new() },
            startup,
            ..Snapshot::default()
        }
    }

    fn runtime(&mut self, runtime: &Runtime) -> stallscope_wire::Runtime {
        let handle = &runtime.handle;
        let metrics = handle.metrics();
        let busy = self.busy.entry(runtime.id).or_default();
        stallscope_wire::Runtime {
            id: runtime.id,
            name: handle.name().map(str::to_owned),
            flavor: runtime.flavor().to_owned(),
            workers: metrics.num_workers() as u32,
            // The probe that waits is no task of the app's, nor is a pulse.
            alive_tasks: (metrics.num_alive_tasks() as u64)
                .saturating_sub(runtime.probes_waiting() + runtime.pulses()),
            injection_queue: metrics.global_queue_depth() as u64,
            busy_permille: busy.permille(&metrics),
            ..unstable(&metrics)
        }
    }

    /// All polls of the process.
    fn polls(&self) -> Histogram {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        let mut whole = Row::default();
        let settled = self.settled.read();
        for cell in recorder::cells() {
            for (ticks, count) in cell.counts() {
                *counts.entry(ticks).or_default() += count;
            }
            cell.rows().for_each(|(_, row)| whole.add(&row));
            whole.add(&cell.unplaced());
        }
        for (ticks, count) in settled.polls {
            *counts.entry(ticks).or_default() += count;
        }
        settled.rows.values().for_each(|long| whole.add(&long.row));
        histogram(counts, &whole)
    }

    /// The tasks by spawn location.
    fn locations(&self) -> Vec<Location> {
        let mut of: BTreeMap<String, OfLocation> = BTreeMap::new();
        for tasks in recorder::tasks() {
            let of = of.entry(tasks.location.to_string()).or_default();
            of.spawned += tasks.spawned;
            of.finished += tasks.finished;
            of.add(&tasks.row, tasks.lengths);
        }
        for (location, long) in self.settled.read().rows {
            of.entry(location.to_string()).or_default().add(&long.row, long.lengths);
        }
        of.into_iter().map(|(spawned_at, of)| of.told(spawned_at)).collect()
    }

    /// Long polls that our own queues dropped.
    pub(super) fn lost_polls(&self) -> u64 {
        recorder::cells().iter().map(|cell| cell.lost()).sum()
    }

    /// Polls, spawns and ends of tasks that no location could be booked for.
    pub(super) fn lost_locations(&self) -> u64 {
        recorder::unplaced() + self.settled.read().unplaced
    }
}

/// What was seen of one spawn location, in ticks.
#[derive(Default)]
struct OfLocation {
    spawned: u64,
    finished: u64,
    row: Row,
    lengths: BTreeMap<u64, u64>,
}

impl OfLocation {
    fn add(&mut self, row: &Row, lengths: impl IntoIterator<Item = (u64, u64)>) {
        self.row.add(row);
        for (ticks, count) in lengths {
            *self.lengths.entry(ticks).or_default() += count;
        }
    }

    fn told(self, spawned_at: String) -> Location {
        let Self { spawned, finished, row, lengths } = self;
        Location {
            spawned_at,
            polls: row.polls,
            total_ns: ticks_to_ns(row.total),
            max_ns: ticks_to_ns(row.max),
            poll: histogram(lengths, &row),
            spawned,
            finished,
            first_poll: waits(row.first_poll, ticks_to_ns),
            schedule: waits(row.schedule, |ns| ns),
            last_poll_ns: (row.last > 0).then(|| clock::tick_to_at_ns(row.last)),
            ..Location::default()
        }
    }
}

fn histogram(counts: BTreeMap<u64, u64>, whole: &Row) -> Histogram {
    Histogram {
        buckets: counts.into_iter().map(|(ticks, count)| (ticks_to_ns(ticks), count)).collect(),
        max_ns: ticks_to_ns(whole.max),
        sum_ns: ticks_to_ns(whole.total),
    }
}

fn waits(waits: recorder::Waits, to_ns: impl Fn(u64) -> u64) -> Waits {
    Waits { count: waits.count, total_ns: to_ns(waits.total), max_ns: to_ns(waits.max) }
}

/// What all tasks waited from wake to poll; nothing where tokio does not tell.
fn schedule() -> Histogram {
    #[cfg(not(all(tokio_unstable, feature = "schedule-latency")))]
    return Histogram::default();
    #[cfg(all(tokio_unstable, feature = "schedule-latency"))]
    {
        let (mut counts, mut whole) = (BTreeMap::new(), Row::default());
        for cell in recorder::cells() {
            for (ns, count) in cell.waits() {
                *counts.entry(ns).or_default() += count;
            }
            cell.rows().for_each(|(_, row)| whole.add(&row));
            whole.add(&cell.unplaced());
        }
        let Waits { total_ns, max_ns, .. } = waits(whole.schedule, |ns| ns);
        Histogram { buckets: counts.into_iter().collect(), max_ns, sum_ns: total_ns }
    }
}

fn lag(past: Histogram, runtimes: &[Arc<Runtime>]) -> LagState {
    let mut state = LagState { histogram: past, ..LagState::default() };
    for runtime in runtimes {
        let lag = runtime.take_lag();
        state.now_ns = state.now_ns.max(lag.now_ns);
        state.window_max_ns = state.window_max_ns.max(lag.window_max_ns);
        state.histogram.merge(&Histogram::from(&lag.histogram));
    }
    state
}

fn workers(runtimes: &[Arc<Runtime>]) -> Vec<Worker> {
    let alive =
        |thread: &Registered| runtimes.iter().find(|runtime| runtime.id == thread.thread.runtime).cloned();
    let mut workers: Vec<Worker> = recorder::registered()
        .into_iter()
        .filter_map(|thread| alive(&thread).map(|runtime| worker(&thread, &runtime)))
        .collect();
    one_a_thread(&mut workers);
    workers.sort_by_key(|worker| (worker.runtime, worker.index.is_none(), worker.index, worker.tid));
    workers
}

/// A thread that is looked at from outside and polls a root future of ours has two cells: the one that tells something is shown.
fn one_a_thread(workers: &mut Vec<Worker>) {
    workers.sort_by_key(|worker| (worker.tid, worker.stall.is_none(), worker.polling.is_none()));
    // Where the system has no such ids they are all 0.
    workers.dedup_by(|a, b| a.tid == b.tid && a.tid != 0);
}

fn worker(registered: &Registered, runtime: &Runtime) -> Worker {
    let (cell, thread) = (registered.cell, &registered.thread);
    let recorded = |&open: &Open| recorder::mode() != Mode::Off && !cell.is_dismissed(open);
    let open = cell.read().filter(recorded);
    let stall = open.and_then(|open| cell.stall(open));
    let state = match (open, stall) {
        (_, Some(_)) => WorkerState::Blocked,
        (Some(_), None) => WorkerState::Polling,
        (None, None) => WorkerState::Parked,
    };
    let polling = open.map(|open| Polling {
        task: recorder::task_id(open.task),
        spawned_at: open.location.map(ToString::to_string),
        for_ns: cell.start(open).map_or(0, |start| ticks_to_ns(clock::ticks().saturating_sub(start))),
    });
    let rows = cell.rows().map(|(_, row)| row).chain([cell.unplaced()]);
    let (polls, busy) = rows.fold((0, 0), |(polls, busy), row| (polls + row.polls, busy + row.total));
    Worker {
        runtime: thread.runtime,
        index: thread.worker,
        thread: thread.name.clone(),
        tid: thread.tid,
        state,
        polling,
        stall,
        polls,
        busy_ns: ticks_to_ns(busy),
        local_queue: runtime.queue_behind(thread.worker, false),
    }
}

/// What the workers of a runtime had done by the last look at it.
#[derive(Debug, Default)]
struct Busy {
    at: Option<Instant>,
    total: Duration,
}

impl Busy {
    /// The share of the workers' time since the last look in which they were not parked. None at the first look.
    fn permille(&mut self, metrics: &RuntimeMetrics) -> u32 {
        let (now, total) = (Instant::now(), total_busy(metrics));
        let before = self.at.replace(now);
        let spent = total.saturating_sub(std::mem::replace(&mut self.total, total));
        let elapsed = before.map_or(Duration::ZERO, |before| now - before);
        permille(spent, elapsed * metrics.num_workers() as u32)
    }
}

fn permille(part: Duration, whole: Duration) -> u32 {
    let share = part.as_nanos() * 1000 / whole.as_nanos().max(1);
    // tokio counts a worker's time when it parks, so that more of it may come in than has passed.
    if whole.is_zero() { 0 } else { share.min(1000) as u32 }
}

#[cfg(target_has_atomic = "64")]
fn total_busy(metrics: &RuntimeMetrics) -> Duration {
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

#[cfg(not(target_has_atomic = "64"))]
fn total_busy(_metrics: &RuntimeMetrics) -> Duration {
    Duration::ZERO
}

/// What only an unstable tokio tells.
#[cfg(tokio_unstable)]
fn unstable(metrics: &RuntimeMetrics) -> stallscope_wire::Runtime {
    let workers = 0..metrics.num_workers();
    stallscope_wire::Runtime {
        local_queues: workers.map(|worker| metrics.worker_local_queue_depth(worker) as u64).sum(),
        blocking_threads: metrics.num_blocking_threads() as u64,
        blocking_queue: metrics.blocking_queue_depth() as u64,
        #[cfg(target_has_atomic = "64")]
        budget_forced_yields: metrics.budget_forced_yield_count(),
        ..stallscope_wire::Runtime::default()
    }
}

#[cfg(not(tokio_unstable))]
fn unstable(_metrics: &RuntimeMetrics) -> stallscope_wire::Runtime {
    stallscope_wire::Runtime::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_at_most_and_nothing_of_nothing() {
        let ms = Duration::from_millis;
        assert_eq!(permille(ms(250), ms(1000)), 250);
        assert_eq!(permille(ms(1500), ms(1000)), 1000);
        assert_eq!(permille(ms(1), ms(0)), 0);
    }
}
