use crate::Stall;
use serde::{Deserialize, Serialize};

/// The stalls that a live reader is told of together, since it came late: one by one the process remembers the newest alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Earlier {
    /// When the last of them was told of, in nanoseconds since the start.
    pub at_ns: u64,
    /// They, by culprit.
    pub stalls: Vec<EarlierStalls>,
}

/// Stalls of one culprit, met in one route, and of one kind: certain or only probable, the code's or the host's, allowed by the code or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlierStalls {
    /// The one with the longest time that the code answers for, as its last line told it, with its stack. Of more culprits than
    /// are told apart, the last stands for several, and this is a stall of one of them without its place.
    pub worst: Stall,
    /// How many there were, this one among them.
    pub count: u64,
    /// How many of them are over the threshold by the time alone that the code answers for.
    pub over: u64,
    /// All of them added up, without the time that the code allows itself, in nanoseconds; of those that are allowed, with it.
    pub duration_ns: u64,
    /// The part of it that the code answers for.
    pub attributable_ns: u64,
    /// What they cost others, as `victims.delay_ns`, in nanoseconds.
    pub delay_ns: u64,
    /// When the first of them began, in nanoseconds since the start.
    pub first_ns: u64,
}

impl EarlierStalls {
    /// Of this stall alone.
    #[must_use]
    pub fn of(stall: Stall, threshold_ns: u64) -> Self {
        let allowed = stall.is_allowed(threshold_ns);
        Self {
            count: 1,
            over: u64::from(stall.attributable_ns >= threshold_ns),
            duration_ns: if allowed { stall.duration_ns } else { stall.outside_ns() },
            attributable_ns: stall.attributable_ns,
            delay_ns: stall.victims.delay_ns,
            first_ns: stall.started_ns,
            worst: stall,
        }
    }

    /// Takes in others.
    pub fn merge(&mut self, other: Self) {
        let badness = |stall: &Stall| (stall.attributable_ns, stall.duration_ns);
        self.count = self.count.saturating_add(other.count);
        self.over = self.over.saturating_add(other.over);
        self.duration_ns = self.duration_ns.saturating_add(other.duration_ns);
        self.attributable_ns = self.attributable_ns.saturating_add(other.attributable_ns);
        self.delay_ns = self.delay_ns.saturating_add(other.delay_ns);
        self.first_ns = self.first_ns.min(other.first_ns);
        if badness(&other.worst) > badness(&self.worst) {
            self.worst = other.worst;
        }
    }
}
