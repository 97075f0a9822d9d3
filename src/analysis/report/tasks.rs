use crate::analysis::History;
use serde::{Deserialize, Serialize};
use stallscope_wire::{Histogram, Location, Waits, Watched};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many of a kind a report lists.
const LISTED: usize = 100;

/// What became of tasks and watched futures, over all processes. Empty where tasks are not known by their spawn location,
/// as in the tier sampled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Tasks {
    /// By the line that spawned them: those with most tasks alive first, then the busiest; 100 at most.
    pub locations: Vec<SpawnSite>,
    /// Spawn locations that are not listed.
    pub locations_left_out: u64,
    /// Futures given to `watched`, by the line that made them: those with most that were never polled first; 100 at most.
    pub watched: Vec<Watched>,
    /// Lines of watched futures that are not listed.
    pub watched_left_out: u64,
}

/// The tasks that one line spawned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SpawnSite {
    /// `file:line:column` of the spawn.
    pub spawned_at: String,
    /// A name that tasks spawned there were given.
    pub name: Option<String>,
    /// Tasks that are spawned and not gone.
    pub alive: u64,
    /// Tasks spawned there.
    pub spawned: u64,
    /// Those of them that are gone. With none spawned: jobs of `spawn_blocking`, whose end alone is told.
    pub finished: u64,
    /// Their polls.
    pub polls: u64,
    /// Time in these polls, in nanoseconds.
    pub busy_ns: u64,
    /// What 99 of 100 polls did not exceed, in nanoseconds; absent where none was timed.
    pub poll_p99_ns: Option<u64>,
    /// The longest poll, in nanoseconds.
    pub poll_max_ns: u64,
    /// From spawn to first poll.
    pub first_poll: Waits,
    /// From wake to poll, where that is known.
    pub schedule: Waits,
    /// Polls that ended with the task awake already, because it woke itself.
    pub self_wakes: u64,
}

impl Tasks {
    pub(super) fn of(histories: &[&History]) -> Self {
        let mut sites: BTreeMap<(Option<&str>, &str), (SpawnSite, Histogram)> = BTreeMap::new();
        let mut watched: BTreeMap<_, Watched> = BTreeMap::new();
        for history in histories {
            let root = history.header().source_root.as_deref();
            let Some(snapshot) = history.snapshot() else { continue };
            for location in &snapshot.locations {
                let (site, polls) = sites.entry((root, &location.spawned_at)).or_default();
                site.add(location);
                polls.merge(&location.poll);
            }
            for line in &snapshot.watched {
                let key = (root, &line.created_at, &line.function);
                watched.entry(key).and_modify(|known| known.add(line)).or_insert_with(|| line.clone());
            }
        }
        let mut locations: Vec<_> = sites.into_values().map(|(site, polls)| site.timed(&polls)).collect();
        locations.sort_by_key(|site| Reverse((site.alive, site.busy_ns)));
        let mut watched: Vec<_> = watched.into_values().collect();
        watched.sort_by_key(|line| Reverse((line.unpolled, line.cancelled)));
        let (locations_left_out, watched_left_out) = (cut(&mut locations), cut(&mut watched));
        Self { locations, locations_left_out, watched, watched_left_out }
    }
}

impl SpawnSite {
    fn add(&mut self, location: &Location) {
        self.spawned_at.clone_from(&location.spawned_at);
        self.name = self.name.take().or_else(|| location.name.clone());
        self.alive = self.alive.saturating_add(location.alive());
        self.spawned = self.spawned.saturating_add(location.spawned);
        self.finished = self.finished.saturating_add(location.finished);
        self.polls = self.polls.saturating_add(location.polls);
        self.busy_ns = self.busy_ns.saturating_add(location.total_ns);
        self.poll_max_ns = self.poll_max_ns.max(location.max_ns);
        self.first_poll.merge(&location.first_poll);
        self.schedule.merge(&location.schedule);
        self.self_wakes = self.self_wakes.saturating_add(location.self_wakes);
    }

    fn timed(self, polls: &Histogram) -> Self {
        Self { poll_p99_ns: (polls.count() > 0).then(|| polls.quantile(0.99)), ..self }
    }
}

/// How many were over the limit.
pub(super) fn cut<T>(list: &mut Vec<T>) -> u64 {
    let left_out = list.len().saturating_sub(LISTED);
    list.truncate(LISTED);
    left_out as u64
}
