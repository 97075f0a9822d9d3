//! A runtime that is watched.

use crate::clock;
use crate::config::RuntimeSettings;
use crate::engine::lock;
use crate::recorder::{self, Thread};
use hdrhistogram::Histogram;
use stallscope_wire::{Startup, Tier};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The longest lag that is told apart, in nanoseconds: an hour.
const LONGEST_LAG_NS: u64 = 3_600_000_000_000;

/// What the watchdog and the collector know of a runtime.
#[derive(Debug)]
pub(crate) struct Runtime {
    /// tokio's id.
    pub(crate) id: u64,
    pub(crate) handle: Handle,
    pub(crate) settings: RuntimeSettings,
    /// Under which number its threads record.
    pub(crate) probe: u32,
    /// The tick at which it was seen first; its start-up grace counts from here.
    pub(crate) started: u64,
    /// Written by the watchdog, read by the collector.
    lag: Mutex<LagRecord>,
    /// Lag probes sent so far. Written by the watchdog.
    probes: AtomicU64,
    /// Written by the watchdog.
    probe_waits: AtomicBool,
    /// Polls over the threshold that the grace excuses, and the longest of them in nanoseconds. Written by the watchdog.
    excused: (AtomicU64, AtomicU64),
    /// Threads of its pool that have started, its workers first.
    threads: AtomicUsize,
    /// Workers that have made themselves known.
    shown: Mutex<HashSet<u32>>,
    /// As many more as there are pulses in it.
    pulses: Arc<()>,
    /// Jobs that threads of its pool had finished which are gone.
    jobs: AtomicU64,
    /// The descriptor of its I/O driver's epoll instance, which it keeps; none where it was looked for in vain.
    driver: OnceLock<Option<i32>>,
}

/// The waits of the lag probes.
#[derive(Debug, Clone)]
pub(crate) struct LagRecord {
    pub(crate) histogram: Histogram<u64>,
    pub(crate) now_ns: Option<u64>,
    pub(crate) window_max_ns: Option<u64>,
}

impl Runtime {
    pub(crate) fn new(id: u64, handle: Handle, settings: RuntimeSettings, probe: u32) -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_LAG_NS, 2).expect("the bounds are allowed");
        let lag = Mutex::new(LagRecord { histogram, now_ns: None, window_max_ns: None });
        Self {
            id,
            handle,
            settings,
            probe,
            started: clock::ticks(),
            lag,
            probes: AtomicU64::new(0),
            probe_waits: AtomicBool::new(false),
            excused: Default::default(),
            threads: AtomicUsize::new(0),
            shown: Mutex::default(),
            pulses: Arc::new(()),
            jobs: AtomicU64::new(0),
            driver: OnceLock::new(),
        }
    }

    /// Looks for its I/O driver, unless that was done. One of its threads must come to park meanwhile.
    pub(crate) fn find_driver(&self, find: impl FnOnce() -> Option<i32>) {
        self.driver.get_or_init(find);
    }

    /// The descriptor of its I/O driver's epoll instance, where that is known.
    pub(crate) fn driver(&self) -> Option<i32> {
        self.driver.get().copied().flatten()
    }

    /// Tasks in it that live and are no pulses, as it counts them: one too many while a probe of ours is on its way.
    pub(crate) fn tasks_alive(&self) -> u64 {
        (self.handle.metrics().num_alive_tasks() as u64).saturating_sub(self.pulses())
    }

    /// When its start-up grace ends, in nanoseconds since the start.
    pub(crate) fn grace_ends_ns(&self) -> u64 {
        clock::tick_to_at_ns(self.started).saturating_add(self.settings.grace_ns)
    }

    /// Counts a long poll that the grace excuses.
    pub(crate) fn excuse(&self, length_ns: u64) {
        self.excused.0.fetch_add(1, Relaxed);
        self.excused.1.fetch_max(length_ns, Relaxed);
    }

    /// What its grace hides.
    pub(crate) fn startup(&self) -> Startup {
        Startup {
            over: clock::now_ns() >= self.grace_ends_ns(),
            long_polls: self.excused.0.load(Relaxed),
            longest_ns: self.excused.1.load(Relaxed),
        }
    }

    /// Its polls are not told of by hooks, but looked for from outside.
    pub(crate) fn is_sampled(&self) -> bool {
        self.settings.tier == Tier::Sampled
    }

    /// The pulses in it, which are tasks.
    pub(crate) fn pulses(&self) -> u64 {
        Arc::strong_count(&self.pulses) as u64 - 1
    }

    /// A pulse is sent, and counted as long as it keeps this.
    pub(crate) fn count_pulse(&self) -> Arc<()> {
        Arc::clone(&self.pulses)
    }

    /// A thread of its pool is gone that had finished so many jobs.
    pub(crate) fn keep_jobs(&self, finished: u64) {
        self.jobs.fetch_add(finished, Relaxed);
    }

    /// How many jobs of `spawn_blocking` have ended so far, a few too many at most.
    pub(crate) fn jobs_finished(&self) -> u64 {
        recorder::jobs_finished(self.id, || self.jobs.load(Relaxed))
    }

    /// A thread of its pool starts; whether it runs a worker. tokio starts those before anybody can use the runtime.
    pub(crate) fn starts_worker(&self) -> bool {
        !self.is_current_thread() && self.threads.fetch_add(1, Relaxed) < self.handle.metrics().num_workers()
    }

    /// How many of its workers have not made themselves known; none of a runtime that hooks tell of, or that has one thread.
    pub(crate) fn unknown_workers(&self) -> usize {
        if !self.is_sampled() || self.is_current_thread() {
            return 0;
        }
        self.handle.metrics().num_workers().saturating_sub(lock(&self.shown).len())
    }

    /// A worker makes itself known.
    pub(crate) fn show_worker(&self, index: u32) {
        lock(&self.shown).insert(index);
    }

    pub(crate) fn flavor(&self) -> &'static str {
        match self.handle.runtime_flavor() {
            RuntimeFlavor::CurrentThread => "current_thread",
            _ => "multi_thread",
        }
    }

    /// One thread runs everything, and only while it is in `block_on`.
    pub(crate) fn is_current_thread(&self) -> bool {
        self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread
    }

    /// Worker threads; one on a current-thread runtime.
    pub(crate) fn workers(&self) -> usize {
        self.handle.metrics().num_workers()
    }

    /// Lag probes that wait now: 0 or 1.
    pub(crate) fn probes_waiting(&self) -> u64 {
        u64::from(self.probe_waits.load(Relaxed))
    }

    /// Whether a lag probe waits now.
    pub(crate) fn set_probe_waits(&self, waits: bool) {
        self.probe_waits.store(waits, Relaxed);
    }

    /// A probe is sent.
    pub(crate) fn count_probe(&self) {
        self.probes.fetch_add(1, Relaxed);
    }

    /// Lag probes sent so far.
    #[cfg(tokio_unstable)]
    pub(crate) fn probes_sent(&self) -> u64 {
        self.probes.load(Relaxed)
    }

    /// A probe has been polled: books its wait, and the waits of those that it kept from being sent.
    pub(crate) fn record_lag(&self, wait_ns: u64) {
        let mut lag = lock(&self.lag);
        let wait = wait_ns.clamp(1, LONGEST_LAG_NS);
        // Within the bounds, so that it cannot fail.
        let _ = lag.histogram.record_correct(wait, self.settings.probe_interval_ns);
        lag.now_ns = Some(wait_ns);
        lag.window_max_ns = lag.window_max_ns.max(Some(wait_ns));
    }

    /// A probe still waits.
    pub(crate) fn show_lag(&self, age_ns: u64) {
        let mut lag = lock(&self.lag);
        lag.now_ns = lag.now_ns.max(Some(age_ns));
        lag.window_max_ns = lag.window_max_ns.max(Some(age_ns));
    }

    /// What waits does so because nobody drives the runtime.
    pub(crate) fn forget_lag(&self) {
        let mut lag = lock(&self.lag);
        (lag.now_ns, lag.window_max_ns) = (None, None);
    }

    /// The waits so far; begins a new window.
    pub(crate) fn take_lag(&self) -> LagRecord {
        let mut lag = lock(&self.lag);
        let record = lag.clone();
        lag.window_max_ns = None;
        record
    }

    /// Whether another thread runs the thread's worker now: in `block_in_place`, a thread hands it over. Only a tokio with its
    /// task hooks tells.
    pub(crate) fn runs_elsewhere(&self, thread: &Thread) -> bool {
        #[cfg(tokio_unstable)]
        {
            let metrics = self.handle.metrics();
            let worker = thread.worker.map(|worker| worker as usize);
            let worker = worker.filter(|&worker| worker < metrics.num_workers());
            worker.is_some_and(|worker| metrics.worker_thread_id(worker) != thread.id)
        }
        #[cfg(not(tokio_unstable))]
        {
            let _ = thread;
            false
        }
    }

    /// How many tasks are ready and wait behind a worker, as its queue shows; with `all` those of the injection queue too.
    pub(crate) fn queue_behind(&self, worker: Option<u32>, all: bool) -> u64 {
        let metrics = self.handle.metrics();
        // Among them may be our own probe.
        let waiting = (metrics.global_queue_depth() as u64).saturating_sub(self.probes_waiting());
        let injected = if all { waiting } else { 0 };
        #[cfg(tokio_unstable)]
        let local = worker.map_or(0, |worker| match worker as usize {
            worker if worker < metrics.num_workers() => metrics.worker_local_queue_depth(worker),
            _ => 0,
        });
        #[cfg(not(tokio_unstable))]
        let local = {
            let _ = worker;
            0
        };
        local as u64 + injected
    }
}
