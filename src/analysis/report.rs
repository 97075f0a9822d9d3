mod blocked;
mod histograms;
mod requests;
mod sockets;
mod tasks;

pub use blocked::{Blocked, BlockedStack};
pub use histograms::{Figures, Histograms, Quantiles};
pub use requests::{Requests, Route, Slow};
pub use sockets::{Connections, Listener, Sockets};
pub use tasks::{SpawnSite, Tasks};

use super::finding::rfc3339;
use super::history::less_of;
use super::{Allowance, Finding, History, Judgement, Outcome, Verdict, findings};
use serde::{Deserialize, Serialize};
use stallscope_wire::{Coverage, Header, MAJOR, Mode, Tier, counted};

/// Everything that is known of a run, as one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Report {
    /// Version of the document's form.
    pub stallscope: u32,
    /// Whether what was seen is acceptable.
    pub verdict: Verdict,
    /// How polls were seen, in the process that saw least.
    pub tier: Tier,
    /// How much was recorded of each poll, in the process that recorded least.
    pub mode: Mode,
    /// What was not seen in at least one process.
    pub coverage: Coverage,
    /// The command that was run.
    pub command: Vec<String>,
    /// The processes that were seen.
    pub processes: Vec<Process>,
    /// What became of each threshold.
    pub thresholds: Vec<Outcome>,
    /// What went wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What is excused, by whom, and how much there was of it.
    pub allowances: Vec<Allowance>,
    /// Tasks by the line that spawned them, and watched futures.
    pub tasks: Tasks,
    /// Requests by route, and the slowest.
    pub requests: Requests,
    /// Connections by what they serve, and accept queues.
    pub sockets: Sockets,
    /// How long things took.
    pub histograms: Histograms,
    /// What was dropped.
    pub lost: Lost,
    /// What could not be seen and is not accepted, for people. With any, the verdict is `incomplete`, or a breach that is
    /// certain all the same.
    pub lacks: Vec<String>,
    /// What else is to be known of the run, for people.
    pub notes: Vec<String>,
}

/// A process of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Path of the executable.
    pub exe: String,
    /// When its instrument started, RFC 3339.
    pub started: String,
    /// How long it was looked at: from its start, or for the time asked for, in nanoseconds.
    pub duration_ns: u64,
    /// The most runtimes that were alive at one time.
    pub runtimes: usize,
    /// The most workers that were alive at one time.
    pub workers: usize,
    /// Its whole life was seen.
    pub complete: bool,
}

/// What was dropped, over all processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lost {
    /// Long polls and stall reports.
    pub events: u64,
    /// Stacks.
    pub stacks: u64,
    /// Polls, spawns and ends of tasks, and watched futures, whose line found no room.
    pub locations: u64,
    /// Tasks whose wait for their first poll was not followed or told.
    pub first_polls: u64,
    /// Lines of a log or for a reader.
    pub lines: u64,
    /// Flight recordings that were not made; no number leaves anything out because of it.
    pub recordings: u64,
}

impl Lost {
    /// Whether anything was dropped that is missing in the numbers.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self { recordings: self.recordings, ..Self::default() }
    }
}

impl Report {
    /// Puts together what was found in these processes and what was judged of it.
    #[must_use]
    pub fn new(command: Vec<String>, judgement: Judgement, histories: &[&History]) -> Self {
        let mut coverage = if histories.is_empty() { Coverage::default() } else { Coverage::whole() };
        let mut lost = Lost::default();
        for history in histories {
            coverage.complete &= history.coverage().complete;
            history.coverage().missing.iter().cloned().for_each(|gap| coverage.add(gap));
            lost.events = lost.events.saturating_add(history.lost().events);
            lost.stacks = lost.stacks.saturating_add(history.lost().stacks);
            lost.locations = lost.locations.saturating_add(history.lost().locations);
            lost.first_polls = lost.first_polls.saturating_add(history.lost().first_polls);
            lost.lines = lost.lines.saturating_add(history.lost().lines);
            lost.recordings = lost.recordings.saturating_add(history.lost().recordings);
        }
        let mut found = findings(histories);
        judgement.mark(&mut found);
        let allowances = judgement.allowances().to_vec();
        let headers = || histories.iter().map(|history| history.header());
        let recordings = headers().filter_map(recording).collect();
        Self {
            stallscope: MAJOR,
            verdict: judgement.verdict,
            tier: headers().map(|header| header.tier).min_by_key(|tier| sight(*tier)).unwrap_or_default(),
            mode: histories.iter().map(|history| history.least_mode()).reduce(less_of).unwrap_or(Mode::Off),
            coverage,
            command,
            processes: histories.iter().map(|history| Process::of(history)).collect(),
            thresholds: judgement.outcomes,
            findings: found,
            allowances,
            tasks: Tasks::of(histories),
            requests: Requests::of(histories),
            sockets: Sockets::of(histories),
            histograms: Histograms::of(histories),
            lost,
            lacks: judgement.lacks,
            notes: [recordings, judgement.notes].concat(),
        }
    }
}

impl Report {
    /// Whether everything that the product promises to see was seen, from the beginning of each process to its end, and
    /// nothing of it was dropped.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let complete = self.processes.iter().all(|process| process.complete);
        self.coverage.complete && complete && !self.lost.any()
    }
}

impl Process {
    fn of(history: &History) -> Self {
        let header = history.header();
        Self {
            pid: header.pid,
            exe: header.exe.clone(),
            started: rfc3339(header.started_unix_ns),
            duration_ns: history.observed_ns(),
            runtimes: history.runtimes(),
            workers: history.workers(),
            complete: history.complete() && header.flight.is_none(),
        }
    }
}

/// What is to be known of a flight recording.
fn recording(header: &Header) -> Option<String> {
    let flight = header.flight.as_ref()?;
    let others = match flight.suppressed {
        0 => String::new(),
        others => format!("; {} since the one before set off none", counted(others, "incident")),
    };
    let (pid, trigger) = (header.pid, &flight.trigger);
    Some(format!(
        "process {pid}: a flight recording of the seconds around {trigger}; its counters are of the whole process, \
         its stalls of these seconds alone{others}"
    ))
}

fn sight(tier: Tier) -> u8 {
    match tier {
        Tier::Exact => 2,
        Tier::Sampled => 1,
        _ => 0,
    }
}
