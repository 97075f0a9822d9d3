use super::window::Window;
use stallscope_wire::{Mode, Snapshot, Tier};

/// The time over which it is told, in nanoseconds.
const REACH_NS: u64 = 10_000_000_000;
/// What is added to a poll, in nanoseconds, as the instrument's own bench measures it: every poll timed, and one in 64.
const FULL_NS: f64 = 20.0;
const LEAN_NS: f64 = 7.0;

/// What it costs the process to be watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    earlier: Window<Counters>,
    latest: Counters,
    at_ns: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    own_cpu_ns: Option<u64>,
    polls: u64,
}

/// The same for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CostFigures {
    /// Share of one processor that the instrument's own threads took lately, and their time since the start in nanoseconds;
    /// absent where the kernel, or the process's version, does not tell.
    pub(crate) own: Option<(f64, u64)>,
    pub(crate) polls_per_second: f64,
    /// Share of one processor that recording them took, by what one takes in the bench; absent where no hook records them.
    pub(crate) recording: Option<f64>,
}

impl Cost {
    pub(super) fn apply(&mut self, snapshot: &Snapshot) {
        let polls = snapshot.workers.iter().map(|worker| worker.polls).fold(0, u64::saturating_add);
        self.latest = Counters { own_cpu_ns: snapshot.own_cpu_ns, polls };
        self.at_ns = snapshot.at_ns;
        let latest = self.latest;
        self.earlier.keep(snapshot.at_ns, || latest);
    }

    /// None before two states are known.
    pub(crate) fn figures(&self, tier: Tier, mode: Mode) -> Option<CostFigures> {
        let (then_ns, before) = match self.earlier.baseline(self.at_ns, REACH_NS) {
            Some((at_ns, before)) => (at_ns, *before),
            None => (0, Counters { own_cpu_ns: Some(0), polls: 0 }),
        };
        let passed_ns = self.at_ns.checked_sub(then_ns).filter(|&ns| ns > 0)? as f64;
        let polls_per_second = self.latest.polls.saturating_sub(before.polls) as f64 * 1e9 / passed_ns;
        let each_ns = match (tier, mode) {
            (Tier::Exact, Mode::Full) => Some(FULL_NS),
            (Tier::Exact, Mode::Lean) => Some(LEAN_NS),
            _ => None,
        };
        let own = self.latest.own_cpu_ns.zip(before.own_cpu_ns);
        Some(CostFigures {
            own: own.map(|(now, before)| (now.saturating_sub(before) as f64 / passed_ns, now)),
            polls_per_second,
            recording: each_ns.map(|ns| polls_per_second * ns / 1e9),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Worker;

    fn told(states: &[(u64, Option<u64>, u64)]) -> Cost {
        let mut cost = Cost::default();
        for &(second, own_cpu_ns, polls) in states {
            let workers = vec![Worker { polls, ..Worker::default() }];
            cost.apply(&Snapshot {
                at_ns: second * 1_000_000_000,
                own_cpu_ns,
                workers,
                ..Snapshot::default()
            });
        }
        cost
    }

    #[test]
    fn shares_are_of_the_last_seconds() {
        let cost = told(&[(90, Some(7_000), 100), (100, Some(20_007_000), 500_100)]);
        let figures = cost.figures(Tier::Exact, Mode::Full).expect("figures");
        assert_eq!(figures.own, Some((0.002, 20_007_000)));
        assert_eq!((figures.polls_per_second, figures.recording), (50_000.0, Some(0.001)));
    }

    #[test]
    fn what_is_not_told_is_not_known() {
        let cost = told(&[(5, None, 100)]);
        let figures = cost.figures(Tier::Sampled, Mode::Full).expect("figures");
        assert_eq!((figures.own, figures.recording, figures.polls_per_second), (None, None, 20.0));
        assert_eq!(Cost::default().figures(Tier::Exact, Mode::Full), None);
    }
}
