//! The state of the runtimes, read from tokio's metrics and our own cells.

use super::load::{self, Load};
use crate::clock::{self, ticks_to_ns};
use crate::diagnosis::{Settled, tokio_module};
use crate::engine::Engine;
use crate::own;
use crate::recorder::{self, Open, Registered, Row};
use crate::runtime::Runtime;
use crate::task::places;
use stallscope_wire::{Histogram, LagState, Location, Mode, Polling, Snapshot, Waits, Worker, WorkerState};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Takes snapshots; keeps what their differences need.
pub(super) struct Snapshots {
    settled: Arc<Settled>,
    /// By runtime.
    loads: HashMap<u64, Load>,
}

impl Snapshots {
    pub(super) fn new(settled: Arc<Settled>) -> Self {
        Self { settled, loads: HashMap::new() }
    }

    /// The state now; `whole` with what is told of each spawn location, which is not done each time.
    pub(super) fn take(&mut self, engine: &Engine, whole: bool) -> Snapshot {
        let runtimes = &engine.runtimes();
        self.loads.retain(|id, _| runtimes.iter().any(|runtime| runtime.id == *id));
        let past = engine.past();
        let mut startup = past.startup;
        runtimes.iter().for_each(|runtime| startup.add(runtime.startup()));
        let mut snapshot = Snapshot {
            at_ns: clock::now_ns(),
            mode: recorder::mode(),
            runtimes: runtimes.iter().map(|runtime| self.runtime(runtime)).collect(),
            workers: self.workers(runtimes),
            poll: self.polls(),
            untimed: recorder::cells().iter().map(|cell| cell.untimed()).sum(),
            schedule: schedule(),
            lag: lag(past.lag, runtimes),
            locations: if whole { self.locations() } else { Vec::new() },
            watched: if whole { crate::watched::read() } else { Vec::new() },
            startup,
            own_cpu_ns: own::cpu_ns(),
        };
        places::add_to(&mut snapshot, whole);
        snapshot
    }

    fn runtime(&mut self, runtime: &Runtime) -> stallscope_wire::Runtime {
        let handle = &runtime.handle;
        let metrics = handle.metrics();
        let load = self.loads.entry(runtime.id).or_default();
        load.look(runtime.is_current_thread(), &metrics);
        stallscope_wire::Runtime {
            id: runtime.id,
            name: handle.name().map(str::to_owned),
            flavor: runtime.flavor().to_owned(),
            workers: metrics.num_workers() as u32,
            // The probe that waits is no task of the app's, nor is a pulse.
            alive_tasks: (metrics.num_alive_tasks() as u64)
                .saturating_sub(runtime.probes_waiting() + runtime.pulses()),
            injection_queue: metrics.global_queue_depth() as u64,
            busy_permille: load.mean_permille(),
            ..load::unstable(&metrics)
        }
    }

    /// The threads that poll. After the runtimes, whose figures theirs go with.
    fn workers(&self, runtimes: &[Arc<Runtime>]) -> Vec<Worker> {
        let mut workers = workers(runtimes);
        for worker in &mut workers {
            let of_it = runtimes.iter().find(|runtime| runtime.id == worker.runtime);
            if let Some((runtime, load)) = of_it.zip(self.loads.get(&worker.runtime)) {
                load.describe(&runtime.handle.metrics(), worker);
            }
        }
        workers
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
        for tasks in recorder::tasks().into_iter().filter(|tasks| !is_of_runtime(tasks.location)) {
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
        recorder::unplaced() + self.settled.read().unplaced + places::unplaced()
    }
}

/// Whether tokio's runtime itself spawns there: the workers are jobs of its blocking pool.
fn is_of_runtime(location: &std::panic::Location<'_>) -> bool {
    tokio_module(None, Some(location.file())).is_some_and(|module| module.starts_with("runtime/"))
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
        ..Worker::default()
    }
}
