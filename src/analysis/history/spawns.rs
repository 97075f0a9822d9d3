use super::growth::{Growth, Proof, Tally};
use stallscope_wire::Snapshot;

/// How the number of tasks of each spawn location develops.
#[derive(Debug, Clone)]
pub(super) struct Spawns {
    growth: Growth<String>,
    /// The runtimes that lived at the last look.
    runtimes: Vec<u64>,
}

impl Spawns {
    pub(super) fn new(window_ns: u64) -> Self {
        Self { growth: Growth::new(window_ns, Proof::Turnover), runtimes: Vec::new() }
    }

    /// Takes in the locations of a snapshot that tells them.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        let alive = |id: &u64| snapshot.runtimes.iter().any(|runtime| runtime.id == *id);
        let shut_down = !self.runtimes.iter().all(alive);
        self.runtimes = snapshot.runtimes.iter().map(|runtime| runtime.id).collect();
        let locations = snapshot.locations.iter().map(|location| {
            (&*location.spawned_at, Tally { begun: location.spawned, ended: location.finished })
        });
        self.growth.look(snapshot.at_ns, shut_down, locations);
    }

    pub(super) fn growth(&self) -> &Growth<String> {
        &self.growth
    }
}
