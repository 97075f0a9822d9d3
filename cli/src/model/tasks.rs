mod columns;
mod row;

pub(crate) use row::TaskRow;

use super::process::Process;
use super::table::Table;
use stallscope::analysis::Finding;
use stallscope_wire::{Location, Mode, Snapshot, Tier};
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Two states that lie less apart are too close to tell a pace, in nanoseconds.
const APART_NS: u64 = 500_000_000;

/// What the spawn locations have done over the last second. Their totals are in the latest snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    before: Told,
    latest: Told,
    /// Of each, in the order in which the latest snapshot tells them, what it had done by these two times. Shared with the copies
    /// of it that a tape keeps.
    sites: Arc<[Change]>,
}

/// A time at which all were told of.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    at_ns: u64,
    forced_yields: u64,
    /// Those that poll.
    threads: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Change {
    before: Counters,
    latest: Counters,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    polls: u64,
    busy_ns: u64,
}

/// What something does each second, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    pub(crate) polls: f64,
    /// Seconds of polling in each: more than 1 where several workers poll such tasks at a time.
    pub(crate) busy: f64,
}

impl Tasks {
    /// Takes in a snapshot; `known` are the locations as they were told before.
    pub(super) fn apply(&mut self, known: &[Location], snapshot: &Snapshot) {
        if snapshot.locations.is_empty() {
            return;
        }
        let told = Told {
            at_ns: snapshot.at_ns,
            forced_yields: forced_yields(snapshot),
            threads: snapshot.workers.len().max(snapshot.worker_count()),
        };
        let latest = std::mem::replace(&mut self.latest, told);
        // The first that is heard of a process says nothing of a pace.
        let apart = latest.at_ns > 0 && told.at_ns >= latest.at_ns + APART_NS;
        if apart {
            self.before = latest;
        }
        let mut next = 0;
        let numbers = OnceCell::new();
        let site = |location: &Location| {
            // They come in the order of the last time, but for new ones among them.
            let place = &location.spawned_at;
            if known.get(next).is_none_or(|known| known.spawned_at != *place) {
                let all = || known.iter().map(|known| &known.spawned_at).zip(0..).collect::<HashMap<_, _>>();
                next = numbers.get_or_init(all).get(place).copied().unwrap_or(known.len());
            }
            let site = self.sites.get(next).copied().unwrap_or_default();
            next += usize::from(next < known.len());
            let latest = Counters { polls: location.polls, busy_ns: location.total_ns };
            Change { before: if apart { site.latest } else { site.before }, latest }
        };
        self.sites = snapshot.locations.iter().map(site).collect();
    }

    /// Of the location that the latest snapshot tells at this place; none before two states of it are known.
    fn pace(&self, at: usize) -> Option<Pace> {
        let seconds = self.seconds()?;
        let Change { before, latest: now } = self.sites.get(at)?;
        let busy = now.busy_ns.saturating_sub(before.busy_ns) as f64 / 1e9 / seconds;
        Some(Pace {
            polls: now.polls.saturating_sub(before.polls) as f64 / seconds,
            // A poll is booked when it ends, and may have begun before that second.
            busy: busy.min(self.latest.threads as f64),
        })
    }

    /// How often a second the cooperative budget makes a task yield; none before two states are known.
    pub(crate) fn forced_yields(&self) -> Option<f64> {
        let more = self.latest.forced_yields.saturating_sub(self.before.forced_yields);
        self.seconds().map(|seconds| more as f64 / seconds)
    }

    fn seconds(&self) -> Option<f64> {
        let apart_ns = self.latest.at_ns.saturating_sub(self.before.at_ns);
        (self.before.at_ns > 0 && apart_ns > 0).then(|| apart_ns as f64 / 1e9)
    }
}

fn forced_yields(snapshot: &Snapshot) -> u64 {
    snapshot.runtimes.iter().map(|runtime| runtime.budget_forced_yields).sum()
}

/// All spawn locations: equally many alive, by what they keep busy.
pub(crate) fn table(process: &Process) -> Table {
    let mut rows = rows(process);
    // What is not known comes last. Rows are large, and there may be thousands: none is moved while they are sorted.
    let rank = |row: &TaskRow| (Reverse(row.alive), Reverse(row.busy_ns));
    let mut order: Vec<_> = (0..rows.len()).collect();
    order.sort_unstable_by(|&a, &b| {
        let (a, b) = (&rows[a], &rows[b]);
        rank(a).cmp(&rank(b)).then_with(|| a.spawned_at.cmp(&b.spawned_at))
    });
    let rows = order.into_iter().map(|at| columns::row(std::mem::take(&mut rows[at]))).collect();
    Table::new(&columns::COLUMNS, Some("alive"), rows)
}

pub(super) fn rows(process: &Process) -> Vec<TaskRow> {
    let locations = process.history.snapshot().map_or(&[][..], |snapshot| &snapshot.locations);
    let accused = Accused::by(&*process.findings);
    let row =
        |(at, location): (usize, &Location)| row(process, at, location, accused.has(&location.spawned_at));
    locations.iter().enumerate().map(row).collect()
}

fn row(process: &Process, at: usize, location: &Location, accused: bool) -> TaskRow {
    TaskRow::of(location, process.tasks.pace(at), accused, process.tasks.latest.at_ns)
}

/// One spawn location with what is found about it.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) row: TaskRow,
    pub(crate) location: &'a Location,
    pub(crate) findings: Vec<&'a Finding>,
}

impl<'a> Site<'a> {
    pub(crate) fn of(process: &'a Process, spawned_at: &str) -> Option<Self> {
        let locations = &process.history.snapshot()?.locations;
        let at = locations.iter().position(|location| location.spawned_at == spawned_at)?;
        let location = &locations[at];
        let concerns = |finding: &&Finding| Accused::by([*finding]).has(spawned_at);
        let findings: Vec<_> = process.findings.iter().filter(concerns).collect();
        Some(Self { row: row(process, at, location, !findings.is_empty()), location, findings })
    }
}

/// What findings accuse, or were seen in a task that it spawned.
struct Accused<'a> {
    lines: HashSet<(&'a str, u32)>,
    spawned_at: HashSet<&'a str>,
}

impl<'a> Accused<'a> {
    fn by(findings: impl IntoIterator<Item = &'a Finding> + Copy) -> Self {
        let line = |finding: &'a Finding| finding.culprit.file.as_deref().zip(finding.culprit.line);
        let spawned_at = |finding: &'a Finding| {
            let task = finding.task.as_ref().map(|task| task.spawned_at.as_str());
            [task, finding.culprit.spawned_at.as_deref()].into_iter().flatten()
        };
        Self {
            lines: findings.into_iter().filter_map(line).collect(),
            spawned_at: findings.into_iter().flat_map(spawned_at).collect(),
        }
    }

    /// Whether this is among it: `file:line:column`.
    fn has(&self, spawned_at: &str) -> bool {
        let parts = spawned_at.rsplit_once(':').and_then(|(place, _)| place.rsplit_once(':'));
        let line = parts.and_then(|(file, line)| Some((file, line.parse().ok()?)));
        line.is_some_and(|line| self.lines.contains(&line)) || self.spawned_at.contains(spawned_at)
    }
}

/// Why there is no spawn location to show, and the cure.
pub(crate) fn none_to_show(process: &Process) -> &'static str {
    let snapshot = process.history.snapshot();
    match process.header().tier {
        _ if snapshot.is_none() => "no state has come yet",
        Tier::Sampled => {
            "not seen: the tier sampled knows workers, but not the tasks they poll. To see them by the line that spawned \
             them, build the program with --cfg tokio_unstable (rustflags in .cargo/config.toml) and start it with \
             #[stallscope::main] or stallscope::install"
        }
        Tier::Exact if snapshot.is_some_and(|snapshot| snapshot.mode == Mode::Off) => {
            "nothing is recorded: the mode is off, m changes it"
        }
        Tier::Exact => "no task has been spawned yet",
        _ => "not seen: polls are not watched in this process; the lines above say why",
    }
}

/// Whether it is known of any task how long it waits from wake to poll.
pub(crate) fn knows_schedule(process: &Process) -> bool {
    let locations = process.history.snapshot().map_or(&[][..], |snapshot| &snapshot.locations);
    locations.iter().any(|location| location.schedule.count > 0)
}
