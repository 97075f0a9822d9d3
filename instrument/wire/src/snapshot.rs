use crate::{Histogram, Mode, Watched};
use serde::{Deserialize, Serialize};

/// The state of a process's runtimes at one time. Counters and histograms are cumulative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// How much is recorded of each poll now.
    pub mode: Mode,
    /// The runtimes seen so far that still live.
    pub runtimes: Vec<Runtime>,
    /// Threads that poll futures: workers, and the threads that run a root future.
    pub workers: Vec<Worker>,
    /// Durations of all polls.
    pub poll: Histogram,
    /// Polls of these and of `locations` that were not timed: in mode lean, one that is timed is counted for about 64.
    pub untimed: u64,
    /// What new work waits.
    pub lag: LagState,
    /// What tasks wait from wake to poll, where that is known.
    pub schedule: Histogram,
    /// Tasks by the line that spawned them; empty: as last told. About once a second, and in the last snapshot.
    pub locations: Vec<Location>,
    /// Futures given to `watched`; empty: as last told. With `locations`.
    pub watched: Vec<Watched>,
    /// What the start-up grace hides.
    pub startup: Startup,
    /// Processor time of the instrument's own threads so far, in nanoseconds; absent where the kernel does not tell.
    pub own_cpu_ns: Option<u64>,
}

impl Snapshot {
    /// Worker threads of all runtimes. [`Snapshot::workers`] may list more threads: those that run a root future.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.runtimes.iter().map(|runtime| runtime.workers as usize).sum()
    }
}

/// What blocked in the start-up grace of the runtimes, and so was not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Startup {
    /// A runtime has lived beyond its grace: what blocked in it from then on was reported.
    pub over: bool,
    /// Polls over the threshold that the grace excuses.
    pub long_polls: u64,
    /// The longest of them, in nanoseconds.
    pub longest_ns: u64,
}

impl Startup {
    /// Adds what another runtime's grace hides.
    pub fn add(&mut self, other: Self) {
        self.over |= other.over;
        self.long_polls = self.long_polls.saturating_add(other.long_polls);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }
}

/// One tokio runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// tokio's id of the runtime.
    pub id: u64,
    /// Its name, where one was set on the builder.
    pub name: Option<String>,
    /// `multi_thread` or `current_thread`.
    pub flavor: String,
    /// Worker threads.
    pub workers: u32,
    /// Tasks that are spawned and not finished.
    pub alive_tasks: u64,
    /// Tasks in the injection queue now.
    pub injection_queue: u64,
    /// Tasks in all local queues now.
    pub local_queues: u64,
    /// Threads of the blocking pool.
    pub blocking_threads: u64,
    /// Of these, idle.
    pub blocking_idle: u64,
    /// Work that waits for the blocking pool.
    pub blocking_queue: u64,
    /// Times the cooperative budget forced a task to yield.
    pub budget_forced_yields: u64,
    /// Share of the workers' time spent busy since the last snapshot, in thousandths.
    pub busy_permille: u32,
}

/// A thread that polls futures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Worker {
    /// tokio's id of the runtime it works for.
    pub runtime: u64,
    /// Index among the runtime's workers; absent for a thread that only runs a root future.
    pub index: Option<u32>,
    /// Name of the thread.
    pub thread: String,
    /// Kernel thread id.
    pub tid: i32,
    /// What it does now.
    pub state: WorkerState,
    /// What it polls, when it polls.
    pub polling: Option<Polling>,
    /// The stall it is in, when it is blocked.
    pub stall: Option<u64>,
    /// Polls up to the threshold so far, of this thread and of those that ended before it and left it their record: the
    /// difference of two snapshots is the thread's own.
    pub polls: u64,
    /// Time spent in these polls, in nanoseconds.
    pub busy_ns: u64,
    /// Tasks in its local queue now.
    pub local_queue: u64,
    /// Share of the time since the last snapshot in which it was not parked, in thousandths.
    pub busy_permille: u32,
    /// Tasks that it took from other workers so far; absent where tokio does not tell, as the two below.
    pub steal_count: Option<u64>,
    /// Times its local queue was full, so that it moved half of it into the injection queue.
    pub overflow_count: Option<u64>,
    /// Times it was woken and found nothing to do.
    pub noop_count: Option<u64>,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkerState {
    /// It waits for work.
    #[default]
    Parked,
    /// It is in a poll, or between two.
    Polling,
    /// It is in a poll longer than the threshold.
    Blocked,
}

/// A poll that is going on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Polling {
    /// tokio's id of the task; absent for a root future or the runtime's own work.
    pub task: Option<u64>,
    /// Where the task was spawned, `file:line:column`.
    pub spawned_at: Option<String>,
    /// For how long, in nanoseconds.
    pub for_ns: u64,
}

/// What new work waits, measured by an injected probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LagState {
    /// The last probe's wait, or the age of one that still waits when that is longer, in nanoseconds; absent before the first probe.
    pub now_ns: Option<u64>,
    /// The longest wait since the previous snapshot, in nanoseconds; absent when no probe ran.
    pub window_max_ns: Option<u64>,
    /// All waits. Probes that a late one kept from being sent are counted with the wait that they would have had.
    pub histogram: Histogram,
}

/// The tasks that one line spawned. Counters and histograms are cumulative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// `file:line:column` of the spawn.
    pub spawned_at: String,
    /// Polls so far.
    pub polls: u64,
    /// Time in these polls, in nanoseconds.
    pub total_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
    /// How long they took; buckets are a quarter of an octave wide.
    pub poll: Histogram,
    /// Tasks spawned there so far.
    pub spawned: u64,
    /// Those of them that are gone. More than were spawned: jobs of the blocking pool, whose end alone is told.
    pub finished: u64,
    /// From spawn to first poll, of those whose first poll was seen; count, sum and maximum without buckets.
    pub first_poll: Waits,
    /// From wake to poll, where that is known.
    pub schedule: Waits,
    /// Polls that ended with the task awake already, because it woke itself.
    pub self_wakes: u64,
    /// When one of them was last polled, in nanoseconds since the start; absent before the first poll.
    pub last_poll_ns: Option<u64>,
    /// A name that tasks spawned there were given.
    pub name: Option<String>,
}

impl Location {
    /// Tasks that are spawned and not gone.
    #[must_use]
    pub fn alive(&self) -> u64 {
        self.spawned.saturating_sub(self.finished)
    }
}

/// Waiting times, summed up. Cumulative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waits {
    /// How many.
    pub count: u64,
    /// All added up, in nanoseconds.
    pub total_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
}

impl Waits {
    /// The average, in nanoseconds; none when there was none.
    #[must_use]
    pub fn mean_ns(&self) -> Option<u64> {
        self.total_ns.checked_div(self.count)
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }
}
