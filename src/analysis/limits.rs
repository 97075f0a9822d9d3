//! What a test, or a scope that is observed, may do at most, and what it did beyond that.

mod breach;
mod stack;

pub(crate) use breach::Breach;

use super::rule::findings_of;
use super::{Finding, History, Rule, help};
use stallscope_wire::duration::show;
use stallscope_wire::{Gap, counted};
use std::collections::BTreeMap;
use std::panic::Location;

/// What is allowed at most; what is none is not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Nanoseconds that a poll may last, as far as the code answers for it.
    pub(crate) stall_ns: Option<u64>,
    /// Nanoseconds that new work may wait, likewise.
    pub(crate) lag_ns: Option<u64>,
    /// Tasks that may live on.
    pub(crate) leaked_tasks: Option<u64>,
    /// Sockets that may stay open.
    pub(crate) leaked_sockets: Option<u64>,
    /// Futures that may be dropped without one poll.
    pub(crate) never_awaited: Option<u64>,
}

/// Tasks of one spawn location that live when their scope ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AliveTasks {
    /// Where they were spawned, `file:line:column`; empty where that is not seen.
    pub spawned_at: String,
    /// How many.
    pub count: usize,
}

/// The tasks by spawn location; those besides whose location is not seen last.
pub(crate) fn alive(locations: &[&'static Location<'static>], unplaced: u64) -> Vec<AliveTasks> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    locations.iter().for_each(|location| *counts.entry(location.to_string()).or_default() += 1);
    let unplaced = (unplaced > 0).then_some((String::new(), unplaced as usize));
    let all = counts.into_iter().chain(unplaced);
    all.map(|(spawned_at, count)| AliveTasks { spawned_at, count }).collect()
}

/// All that is known of a scope.
#[derive(Debug)]
pub(crate) struct Conduct {
    /// Its stalls, lags and futures, and the pauses of the host meanwhile.
    pub(crate) history: History,
    pub(crate) tasks: Vec<AliveTasks>,
    /// The sockets that it left open, in words.
    pub(crate) sockets: Vec<String>,
    pub(crate) gaps: Gaps,
}

/// Why there may be more than is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    pub(crate) stalls: Option<Gap>,
    pub(crate) lags: Option<Gap>,
    pub(crate) tasks: Option<Gap>,
    pub(crate) sockets: Option<Gap>,
}

impl Conduct {
    /// What went beyond a limit.
    pub(crate) fn breaches(&self, limits: &Limits) -> Vec<Breach> {
        let mut breaches = Vec::new();
        if let Some(limit_ns) = limits.stall_ns {
            breaches.extend(self.stalls(limit_ns).iter().map(|finding| Breach::stall(finding, limit_ns)));
        }
        if let Some(limit_ns) = limits.lag_ns {
            breaches.extend(self.lags(limit_ns).iter().map(|finding| Breach::lag(finding, limit_ns)));
        }
        if let Some(limit) = limits.never_awaited {
            breaches.extend(self.never_awaited().iter().map(|finding| Breach::future(finding, limit)));
            let count: u64 = breaches.iter().filter_map(Breach::futures).sum();
            breaches.retain(|breach| breach.futures().is_none() || count > limit);
        }
        if let Some(limit) = limits.leaked_tasks.filter(|&limit| self.tasks_alive() > limit) {
            breaches.push(Breach::tasks(&self.tasks, self.tasks_alive(), limit));
        }
        if let Some(limit) = limits.leaked_sockets.filter(|&limit| self.sockets.len() as u64 > limit) {
            breaches.push(Breach::sockets(&self.sockets, limit));
        }
        breaches
    }

    /// The stalls of at least this length that the code answers for, by culprit, the longest first.
    pub(crate) fn stalls(&self, limit_ns: u64) -> Vec<Finding> {
        let mut stalls = self.certain(Rule::BlockingPoll);
        stalls.retain(|finding| finding.attributable_max_ns >= limit_ns);
        stalls.sort_by_key(|finding| std::cmp::Reverse(finding.attributable_max_ns));
        stalls
    }

    /// The waits of at least this length that the code answers for, by what explains them.
    pub(crate) fn lags(&self, limit_ns: u64) -> Vec<Finding> {
        let mut lags = self.certain(Rule::LoopLag);
        lags.retain(|finding| finding.attributable_max_ns >= limit_ns);
        lags
    }

    /// The lines none of whose futures was polled.
    pub(crate) fn never_awaited(&self) -> Vec<Finding> {
        self.certain(Rule::NeverAwaited)
    }

    pub(crate) fn tasks_alive(&self) -> u64 {
        self.tasks.iter().map(|tasks| tasks.count as u64).sum()
    }

    fn certain(&self, rule: Rule) -> Vec<Finding> {
        self.found(rule).filter(|finding| finding.doubt().is_none()).collect()
    }

    fn found(&self, rule: Rule) -> impl Iterator<Item = Finding> {
        findings_of(rule, &[&self.history]).into_iter().map(|mut finding| {
            finding.help = help::advice(&finding);
            finding
        })
    }

    /// What is to be known besides, and breaches nothing: what is only probable, what the host did, and what of the limits
    /// could not be checked.
    pub(crate) fn notes(&self, limits: &Limits) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(limit_ns) = limits.stall_ns {
            let long = |finding: &Finding| finding.attributable_max_ns >= limit_ns;
            let probable = self.found(Rule::BlockingPoll).filter(|finding| finding.doubt().is_some());
            notes.extend(
                probable.filter(long).map(|finding| format!("{finding}; {}", finding.doubt().unwrap_or(""))),
            );
        }
        if limits.stall_ns.is_some() || limits.lag_ns.is_some() {
            let pauses = self.found(Rule::HostPause);
            notes.extend(pauses.map(|finding| format!("{finding}, which counts for no limit")));
        }
        let unchecked = [
            (limits.stall_ns.is_some(), &self.gaps.stalls),
            (limits.lag_ns.is_some(), &self.gaps.lags),
            (limits.leaked_tasks.is_some(), &self.gaps.tasks),
            (limits.leaked_sockets.is_some(), &self.gaps.sockets),
        ];
        for gap in
            unchecked.into_iter().filter(|(is_limited, _)| *is_limited).filter_map(|(_, gap)| gap.as_ref())
        {
            notes.push(format!("not checked: {}; cure: {}", gap.what, gap.cure));
        }
        let lost = self.history.lost().events;
        if lost > 0 {
            let lost = counted(lost, "event");
            notes.push(format!("the process has lost {lost} so far: there may have been more"));
        }
        notes
    }

    /// Why stalls of at least this length may have gone unseen.
    pub(crate) fn stalls_gap(&self, limit_ns: u64) -> Option<Gap> {
        let told_from_ns = self.history.header().threshold_ns;
        let too_fine = (limit_ns < told_from_ns).then(|| too_fine("stalls", told_from_ns, "threshold"));
        self.gaps.stalls.clone().or(too_fine)
    }

    /// Why waits of at least this length may have gone unseen.
    pub(crate) fn lags_gap(&self, limit_ns: u64) -> Option<Gap> {
        let told_from_ns = self.history.header().lag_limit_ns;
        let too_fine = (limit_ns < told_from_ns).then(|| too_fine("waits", told_from_ns, "lag_limit"));
        self.gaps.lags.clone().or(too_fine)
    }
}

fn too_fine(what: &str, told_from_ns: u64, setting: &str) -> Gap {
    Gap::new(
        format!("{what} shorter than {}: the runtime tells of none", show(told_from_ns)),
        format!("set a lower Config::{setting}, or the limit in #[stallscope::test]"),
    )
}

#[cfg(test)]
mod tests;
