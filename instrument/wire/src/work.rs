use crate::{Certainty, Stack};
use serde::{Deserialize, Serialize};

/// A task that is spawned and was not polled within its limit, though its runtime got on. Of several lines with the same
/// `task`, the last one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unpolled {
    /// When this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the runtime.
    pub runtime: u64,
    /// tokio's id of the task.
    pub task: u64,
    /// Where it was spawned, `file:line:column`.
    pub spawned_at: String,
    /// How long it has waited for its first poll, or did, in nanoseconds.
    pub waited_ns: u64,
    /// It still waits.
    pub ongoing: bool,
    /// What the workers polled meanwhile, the longest first: a few.
    pub instead: Vec<Instead>,
}

/// What ran while something else waited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instead {
    /// Where the tasks were spawned, `file:line:column`.
    pub spawned_at: String,
    /// Their polls in that time.
    pub polls: u64,
    /// How long these took, in nanoseconds.
    pub busy_ns: u64,
}

/// A task that failed, and whose failure nobody saw, or perhaps did not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the task.
    pub task: u64,
    /// Its name, where it was given one.
    pub name: Option<String>,
    /// Where it was spawned, `file:line:column`.
    pub spawned_at: String,
    /// How it failed.
    pub how: How,
    /// The panic's message, or the error as it shows itself; cut at 512 bytes.
    pub message: String,
    /// Where the panic was, `file:line:column`; absent for an error.
    pub place: Option<String>,
    /// Known that nobody saw it (`exact`), or not known whether somebody did (`probable`).
    pub certainty: Certainty,
}

/// How a task failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum How {
    /// It panicked.
    #[default]
    Panic,
    /// It returned an error.
    Error,
}

/// A task that waits and that nothing can wake any more. Of several lines with the same `task`, the last one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orphan {
    /// When this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the task.
    pub task: u64,
    /// Its name, where it was given one.
    pub name: Option<String>,
    /// Where it was spawned, `file:line:column`.
    pub spawned_at: String,
    /// For how long it has not been polled, in nanoseconds.
    pub idle_ns: u64,
    /// It still waits; else it was polled again, or is gone.
    pub ongoing: bool,
    /// No waker of it is left (`exact`), or it has been idle for long and waits for something that others have to do (`probable`).
    pub certainty: Certainty,
    /// The await that it sits in, innermost frame first, where a task dump told.
    pub awaits: Option<Stack>,
}

/// Work given to `spawn_blocking` waited longer than the limit. Of several lines with the same `id`, the last one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolWait {
    /// Unique in the process.
    pub id: u64,
    /// When this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the runtime.
    pub runtime: u64,
    /// How long the job that has waited longest so far did, at least, in nanoseconds.
    pub wait_ns: u64,
    /// It still waits.
    pub ongoing: bool,
    /// The most jobs that waited at one time.
    pub waiting: u64,
    /// Threads of the pool, all of them busy.
    pub threads: u64,
    /// What these are at, most threads first: a few.
    pub sites: Vec<PoolSite>,
}

/// What some threads of the blocking pool are at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolSite {
    /// How many of the threads that were looked at.
    pub threads: u64,
    /// Where one of them is.
    pub stack: Stack,
}

/// Futures that were given to `watched`, by the line that made them. Counters are cumulative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    /// Where they were made, `file:line:column`; empty: at all the lines that found no room.
    pub created_at: String,
    /// The function that made them, where an attribute told.
    pub function: Option<String>,
    /// Polled at least once.
    pub polled: u64,
    /// Dropped without one poll.
    pub unpolled: u64,
    /// Of those polled, dropped before they were ready.
    pub cancelled: u64,
    /// Dropped without one poll by a panic, or by a task that was given them and was itself cancelled.
    pub excused: u64,
}

impl Watched {
    /// All of them.
    #[must_use]
    pub fn futures(&self) -> u64 {
        self.polled.saturating_add(self.unpolled).saturating_add(self.excused)
    }

    /// Adds others of the same line.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.polled, other.polled),
            (&mut self.unpolled, other.unpolled),
            (&mut self.cancelled, other.cancelled),
            (&mut self.excused, other.excused),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}
