use serde::{Deserialize, Serialize};
use std::fmt;

/// The first line: who writes, since when, and what can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Process id.
    pub pid: u32,
    /// Path of the executable.
    pub exe: String,
    /// Command line, the executable's name first.
    pub command: Vec<String>,
    /// Wall-clock time at which the instrument started, in nanoseconds since the Unix epoch. Every `at_ns` counts from here.
    pub started_unix_ns: u64,
    /// How polls are seen.
    pub tier: Tier,
    /// How much is recorded of each poll, as far as it was known when this was written; a snapshot says it anew.
    pub mode: Mode,
    /// The process takes a [`Request`](crate::Request) from readers of its live socket.
    pub requests: bool,
    /// A poll longer than this is a stall, in nanoseconds.
    pub threshold_ns: u64,
    /// A probe that waits longer than this is a lag, in nanoseconds.
    pub lag_limit_ns: u64,
    /// Pace of the loop-lag probe, in nanoseconds.
    pub probe_interval_ns: u64,
    /// A task that waits longer than this for its first poll is told of, in nanoseconds.
    pub never_polled_ns: u64,
    /// A task that nothing can wake is told of after this time, in nanoseconds.
    pub lost_task_ns: u64,
    /// Work that waits longer than this for the blocking pool is told of, in nanoseconds.
    pub pool_limit_ns: u64,
    /// What only grows for this long is a leak, in nanoseconds.
    pub leak_window_ns: u64,
    /// A connection that the other side has closed for longer than this is told of, in nanoseconds.
    pub close_wait_ns: u64,
    /// Folder that relative source paths start from, where it is known.
    pub source_root: Option<String>,
    /// The program's crate, as it stands in paths of functions, where it is known.
    #[serde(rename = "crate")]
    pub krate: Option<String>,
    /// Folder of the instrument's own sources, as the compiler names them.
    pub instrument_sources: String,
    /// What cannot be seen, as known at the start; `coverage` lines bring what is learnt later.
    pub coverage: Coverage,
    /// Versions of the parts.
    pub versions: Versions,
    /// Processors that this process may use.
    pub cpus: u32,
    /// What a flight recorder kept this for; none of an event log, and of a live process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flight: Option<Flight>,
}

/// Why there is a flight recording: lines of the seconds before and after something went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flight {
    /// What went wrong, in words.
    pub trigger: String,
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// What went wrong between the recording before and this one, and was not recorded.
    pub suppressed: u64,
    /// Lines of these seconds that found no room.
    pub dropped: u64,
    /// The recording is complete up to its `end` line, and the process went on.
    pub goes_on: bool,
}

/// Versions of the parts that wrote a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// Version of the instrument.
    pub stallscope: String,
    /// `debug` or `release`.
    pub profile: String,
}

/// How polls are seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tier {
    /// Task hooks time every poll (`--cfg tokio_unstable`).
    Exact,
    /// Threads are sampled from outside.
    Sampled,
    /// Nothing is seen: set-up failed, or the tool is switched off.
    #[default]
    None,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exact => "exact",
            Self::Sampled => "sampled",
            Self::None => "none",
        })
    }
}

/// How much is recorded of each poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// Every poll is timed.
    #[default]
    Full,
    /// One poll in 64 is timed, and of the others it is known that they run.
    Lean,
    /// Nothing is recorded.
    Off,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "full",
            Self::Lean => "lean",
            Self::Off => "off",
        })
    }
}

/// What a process's instrument can see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Everything that the product promises to see is seen.
    pub complete: bool,
    /// What is not seen.
    pub missing: Vec<Gap>,
}

impl Coverage {
    /// Nothing is missing.
    #[must_use]
    pub fn whole() -> Self {
        Self { complete: true, missing: Vec::new() }
    }

    /// Adds what is not seen, once.
    pub fn add(&mut self, gap: Gap) {
        self.complete = false;
        if !self.missing.contains(&gap) {
            self.missing.push(gap);
        }
    }
}

/// One thing that is not seen, and its cure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gap {
    /// What is not seen, for people.
    pub what: String,
    /// How to see it.
    pub cure: String,
    /// A stall may have gone unseen because of it: that none is told proves nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hides_stalls: bool,
}

impl Gap {
    /// What is not seen, and how to see it.
    #[must_use]
    pub fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), cure: cure.into(), hides_stalls: false }
    }

    /// The same, of something for want of which stalls may have gone unseen.
    #[must_use]
    pub fn hiding_stalls(self) -> Self {
        Self { hides_stalls: true, ..self }
    }
}
