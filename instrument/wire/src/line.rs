use crate::{
    Coverage, Failure, Handlers, Header, Lost, Orphan, PoolWait, Snapshot, Sockets, Stall, Unpolled,
};
use serde::{Deserialize, Serialize};

/// Version of the format that a reader must know: one with a higher major version is refused.
pub const MAJOR: u32 = 1;
/// Grows when a field or a kind is added; readers need not care. A new value of an enumeration is no such addition.
pub const MINOR: u32 = 4;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Line {
    /// Who writes.
    Header(Header),
    /// State of the runtimes.
    Snapshot(Snapshot),
    /// A poll over the threshold.
    Stall(Stall),
    /// A probe over the lag limit.
    Lag(Lag),
    /// The machine did not run us.
    Pause(Pause),
    /// Handler latency.
    Handler(Handlers),
    /// Open sockets.
    Socket(Sockets),
    /// A task that was not polled within its limit.
    Unpolled(Unpolled),
    /// A task that failed unseen.
    Failure(Failure),
    /// A task that nothing can wake.
    Orphan(Orphan),
    /// Work that waits for the blocking pool.
    Pool(PoolWait),
    /// What is not seen; replaces what was said before.
    Coverage(Coverage),
    /// What was dropped; replaces what was said before.
    Lost(Lost),
    /// The process ended in order; nothing follows.
    End(End),
    /// The recording ended, and the process ran on; nothing follows.
    Leave(Leave),
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

#[derive(Serialize)]
struct Versioned<'a> {
    stallscope: u32,
    minor: u32,
    #[serde(flatten)]
    line: &'a Line,
}

impl Line {
    /// The line as JSON, with the newline that ends it. A header is given the format's version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = match self {
            Self::Header(_) => serde_json::to_vec(&Versioned { stallscope: MAJOR, minor: MINOR, line: self }),
            _ => serde_json::to_vec(self),
        }
        .expect("plain data has a JSON form");
        text.push(b'\n');
        text
    }
}

/// A probe waited longer than the lag limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// When the wait ended, or, for one that goes on, when this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the runtime.
    pub runtime: u64,
    /// How long it waited, in nanoseconds.
    pub wait_ns: u64,
    /// The part that the code answers for, in nanoseconds.
    pub attributable_ns: u64,
    /// It still waits.
    pub ongoing: bool,
    /// Stalls that were going on in the runtime during the wait; empty: no single poll explains it.
    pub stalls: Vec<u64>,
}

/// The watchdog was not run for longer than it slept: the machine was busy elsewhere, or stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pause {
    /// When it was run again, in nanoseconds since the start.
    pub at_ns: u64,
    /// For how long it was not, in nanoseconds.
    pub gap_ns: u64,
}

/// The process ended in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
}

/// Whoever recorded the process had seen enough. Never written by the process itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leave {
    /// The time of the last line before, in nanoseconds since the start.
    pub at_ns: u64,
}
