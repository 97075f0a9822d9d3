use super::Pair;
use super::bounds::{Evidence, Weight};
use serde::Serialize;
use std::fmt;

/// What is too small to matter, and how sure a change must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limits {
    /// The least relative change that counts: 0.1 is a tenth.
    pub min_change: f64,
    /// The least change of a duration that counts, in nanoseconds; of blocked time, within a minute.
    pub min_time_ns: u64,
    /// The probability that no false alarm is raised where nothing has changed.
    pub confidence: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_change: 0.1, min_time_ns: 1_000_000, confidence: 0.95 }
    }
}

/// What a line of a comparison is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Subject {
    /// What it is.
    pub kind: Kind,
    /// The culprit's line, the route, the spawn location; empty of the process as a whole.
    pub name: String,
}

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Code that blocked the event loop.
    Culprit,
    /// Requests of one route: latency.
    Route,
    /// What new work waits.
    LoopLag,
    /// Tasks that one line spawned: their polls.
    Spawn,
    /// All polls.
    Poll,
    /// What tasks wait from wake to poll.
    Schedule,
    /// Something else that was found.
    Finding,
}

/// Which number is compared. Less is better in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quantity {
    /// Time in which the code blocked the event loop, in nanoseconds a minute.
    BlockedPerMinute,
    /// How often it did, a minute.
    StallsPerMinute,
    /// The longest time, in nanoseconds.
    Longest,
    /// What half did not exceed, in nanoseconds.
    P50,
    /// What 99 of 100 did not exceed, in nanoseconds.
    P99,
    /// The average, in nanoseconds.
    Mean,
    /// Whether it is there.
    Presence,
}

impl Quantity {
    /// Whether it is a duration, in nanoseconds.
    #[must_use]
    pub fn is_time(self) -> bool {
        !matches!(self, Self::StallsPerMinute | Self::Presence)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BlockedPerMinute => "blocked a minute",
            Self::StallsPerMinute => "stalls a minute",
            Self::Longest => "longest",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Mean => "mean",
            Self::Presence => "finding",
        })
    }
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outlook {
    /// It got worse, by enough, and that is no chance.
    Regression,
    /// It is there in NEW alone, and too seldom for more to be said.
    New,
    /// It got better, by enough, and that is no chance.
    Improvement,
    /// It was there in BASE alone, and too seldom for more to be said.
    Gone,
    /// Nothing that matters or that chance does not explain.
    Same,
    /// Too little was seen of it.
    TooLittle,
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Regression => "regression",
            Self::New => "new",
            Self::Improvement => "improvement",
            Self::Gone => "gone",
            Self::Same => "same",
            Self::TooLittle => "too little",
        })
    }
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// Which number of it.
    pub quantity: Quantity,
    /// The number in BASE; absent where nothing was seen.
    pub base: Option<f64>,
    /// The number in NEW; absent where nothing was seen.
    pub new: Option<f64>,
    /// By how much of BASE it changed; absent where BASE is nothing.
    pub relative: Option<f64>,
    /// By how much of BASE it changed at least, in the direction of the change, as far as the runs taken together tell: the bound of
    /// its confidence. Absent where there is none, or BASE is nothing.
    pub at_least: Option<f64>,
    /// What became of it.
    pub outlook: Outlook,
}

impl Change {
    /// Of a finding that only one side has.
    pub(super) fn finding(name: &str, new: bool) -> Self {
        let (base, now) = if new { (None, Some(1.0)) } else { (Some(1.0), None) };
        Self {
            subject: Subject { kind: Kind::Finding, name: name.to_owned() },
            quantity: Quantity::Presence,
            base,
            new: now,
            relative: None,
            at_least: None,
            outlook: if new { Outlook::New } else { Outlook::Gone },
        }
    }

    /// Whether the subject's other line says all there is to say of it.
    pub(super) fn is_told_elsewhere(&self) -> bool {
        let one_sided = matches!(self.outlook, Outlook::New | Outlook::Gone);
        let told_by =
            matches!(self.quantity, Quantity::BlockedPerMinute | Quantity::P99 | Quantity::Presence);
        one_sided && !told_by
    }

    /// What is worst comes first.
    pub(super) fn rank(&self) -> (Outlook, Kind) {
        (self.outlook, self.subject.kind)
    }

    /// By this the changes of one kind are ordered.
    pub(super) fn weight(&self) -> f64 {
        (self.new.unwrap_or(0.0) - self.base.unwrap_or(0.0)).abs()
    }
}

/// What became of all things that were compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Runs of BASE.
    pub base_runs: usize,
    /// Runs of NEW.
    pub new_runs: usize,
    /// What was asked for.
    pub limits: Limits,
    /// What was compared, the worst first.
    pub changes: Vec<Change>,
    /// What else is to be known, for people.
    pub notes: Vec<String>,
}

impl Comparison {
    /// How many came out so.
    #[must_use]
    pub fn count(&self, outlook: Outlook) -> usize {
        self.changes.iter().filter(|change| change.outlook == outlook).count()
    }

    /// All of it in one word: a regression, too little where nothing could be compared, else the same.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let [regressions, improvements, same] =
            [Outlook::Regression, Outlook::Improvement, Outlook::Same].map(|outlook| self.count(outlook));
        match (regressions, improvements + same) {
            (1.., _) => Outlook::Regression,
            (0, 0) => Outlook::TooLittle,
            _ => Outlook::Same,
        }
    }

    /// The exit code of `stallscope diff`.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outlook() {
            Outlook::Regression => 99,
            Outlook::TooLittle => 98,
            _ => 0,
        }
    }
}

/// What became of one thing.
pub(super) fn judge(pair: &Pair, evidence: &Evidence) -> Change {
    let (base, new) = (pair.base.value(), pair.new.value());
    let (before, after) = (base.unwrap_or(0.0), new.unwrap_or(0.0));
    let worse = after > before;
    let (low, high) = if worse { (&pair.base, &pair.new) } else { (&pair.new, &pair.base) };
    let Weight { testable, certain, ratio } = evidence.weigh(low, high);
    let matters = evidence.matters(pair.quantity, before, after);
    let outlook = match (pair.base.is_seen(), pair.new.is_seen()) {
        _ if certain && matters => {
            if worse {
                Outlook::Regression
            } else {
                Outlook::Improvement
            }
        }
        (false, true) => Outlook::New,
        (true, false) => Outlook::Gone,
        (true, true) if testable => Outlook::Same,
        _ => Outlook::TooLittle,
    };
    let known = before > 0.0 && new.is_some();
    Change {
        subject: pair.subject.clone(),
        quantity: pair.quantity,
        base,
        new,
        relative: known.then(|| (after - before) / before),
        at_least: known
            .then_some(ratio)
            .flatten()
            .map(|ratio| if worse { (ratio - 1.0).max(0.0) } else { (1.0 / ratio - 1.0).min(0.0) }),
        outlook,
    }
}
