use stallscope_wire::{Cause, Phase, Stall};
use std::collections::BTreeMap;

/// Stalls that are marked; of more, the oldest are not.
const LIMIT: usize = 1 << 16;

/// Where on a tape the stalls are that the code answers for.
#[derive(Debug, Default)]
pub(super) struct Marks {
    stalls: BTreeMap<u64, Mark>,
    /// When there is something to see of each, in order; made anew when it is asked for.
    sights: Option<Vec<u64>>,
}

/// One stall, in nanoseconds since the process's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) from_ns: u64,
    /// As far as it is known.
    pub(super) to_ns: u64,
    /// When the first line told of it.
    told_ns: u64,
}

impl Mark {
    /// When most is to be seen of it: right before its end, when it was told of by then.
    fn sight_ns(&self) -> u64 {
        self.told_ns.max(self.to_ns.saturating_sub(1))
    }
}

impl Marks {
    pub(super) fn apply(&mut self, stall: &Stall) {
        self.sights = None;
        if stall.phase == Phase::Dismissed || stall.cause == Cause::Host {
            self.stalls.remove(&stall.id);
            return;
        }
        let to_ns = stall.started_ns.saturating_add(stall.duration_ns);
        let told_ns = self.stalls.get(&stall.id).map_or(stall.at_ns, |known| known.told_ns);
        self.stalls.insert(stall.id, Mark { from_ns: stall.started_ns, to_ns, told_ns });
        if self.stalls.len() > LIMIT {
            self.stalls.pop_first();
        }
    }

    /// Forgets those that were over by then.
    pub(super) fn forget_before(&mut self, at_ns: u64) {
        self.sights = None;
        self.stalls.retain(|_, mark| mark.sight_ns() >= at_ns);
    }

    pub(super) fn count(&self) -> usize {
        self.stalls.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Mark> {
        self.stalls.values().copied()
    }

    /// When the next stall after this time is to be seen.
    pub(super) fn after(&mut self, at_ns: u64) -> Option<u64> {
        let sights = self.sights();
        sights.get(sights.partition_point(|&sight_ns| sight_ns <= at_ns)).copied()
    }

    /// When the last stall before this time is to be seen.
    pub(super) fn before(&mut self, at_ns: u64) -> Option<u64> {
        let sights = self.sights();
        sights[..sights.partition_point(|&sight_ns| sight_ns < at_ns)].last().copied()
    }

    fn sights(&mut self) -> &[u64] {
        let stalls = &self.stalls;
        self.sights.get_or_insert_with(|| {
            let mut sights: Vec<_> = stalls.values().map(Mark::sight_ns).collect();
            sights.sort_unstable();
            sights.dedup();
            sights
        })
    }
}
