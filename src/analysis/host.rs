use super::History;
use serde::{Deserialize, Serialize};
use stallscope_wire::duration::show;

/// What the machine cost the poll, or the wait of new work, that it cost most. All in nanoseconds; 0 is also what is not told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HostDelay {
    /// How long it was.
    pub whole_ns: u64,
    /// The part that the code does not answer for.
    pub host_ns: u64,
    /// Ready to run and not run.
    pub run_queue_ns: u64,
    /// Taken by the hypervisor.
    pub steal_ns: u64,
    /// Kept from running by the quota of the control group.
    pub throttled_ns: u64,
    /// The longest time for which the watchdog, though due, was not run: it is nobody's code.
    pub watchdog_gap_ns: u64,
}

impl HostDelay {
    /// The worst of all.
    pub(super) fn worst(histories: &[&History]) -> Self {
        let stalls = histories.iter().flat_map(|history| history.stalls()).map(|record| {
            let (stall, evidence) = (&record.stall, &record.stall.evidence);
            Self {
                whole_ns: stall.duration_ns,
                host_ns: stall.duration_ns.saturating_sub(record.attributable_ns()),
                run_queue_ns: evidence.run_queue_ns,
                steal_ns: evidence.steal_ns,
                throttled_ns: evidence.throttled_ns,
                watchdog_gap_ns: evidence.watchdog_gap_ns,
            }
        });
        let lags = histories.iter().flat_map(|history| history.lags()).map(|lag| Self {
            whole_ns: lag.wait_ns,
            host_ns: lag.wait_ns.saturating_sub(lag.attributable_ns),
            ..Self::default()
        });
        let gaps = histories.iter().flat_map(|history| history.pauses()).map(|pause| pause.gap_ns);
        let longest_gap = gaps.max().unwrap_or(0);
        // What is told of a stall is told by kind, so of equals it is the one to show.
        let worst = lags.chain(stalls).max_by_key(|delay| delay.host_ns).unwrap_or_default();
        Self { watchdog_gap_ns: worst.watchdog_gap_ns.max(longest_gap), ..worst }
    }

    /// For people: `the host took 290ms of 312ms: 250ms ready and not run, 40ms of steal`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let kinds = [
            (self.run_queue_ns, "ready and not run"),
            (self.steal_ns, "taken by the hypervisor"),
            (self.throttled_ns, "throttled by the control group's quota"),
            (self.watchdog_gap_ns, "in which the watchdog, though due, was not run either"),
        ];
        let told = kinds.iter().filter(|(nanos, _)| *nanos > 0);
        let told: Vec<_> = told.map(|&(nanos, kind)| format!("{} {kind}", show(nanos))).collect();
        let took = match self.host_ns {
            0 => "the host's part".to_owned(),
            part => format!("the host took {} of {}", show(part), show(self.whole_ns)),
        };
        if told.is_empty() { took } else { format!("{took}: {}", told.join(", ")) }
    }
}
