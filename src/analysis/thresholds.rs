//! What must hold: `metric[.stat][{label="value"}] OP value`.
//!
//! ```
//! use stallscope::analysis::Threshold;
//! let threshold: Threshold = "handler.p95{route=\"GET /users/{id}\"} < 200ms".parse()?;
//! assert_eq!(threshold.route(), Some("GET /users/{id}"));
//!
//! let error = "stal.max < 100ms".parse::<Threshold>().unwrap_err();
//! assert_eq!(error.column(), 1);
//! # Ok::<(), stallscope::analysis::thresholds::ParseError>(())
//! ```

mod error;
mod labels;
mod name;
mod parse;
mod profile;

pub use error::ParseError;
pub use labels::Labels;
pub use name::nearest;
pub use profile::{PROFILES, defaults, profile};

use stallscope_wire::duration::show;
use std::fmt;
use std::str::FromStr;

/// The shortest poll that a process can be told to record as a stall, in nanoseconds. What is shorter only the histogram
/// of all polls knows.
pub const FINEST_STALL_NS: u64 = 1_000_000;

/// A condition on a measured value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    expr: String,
    /// Where its labels are written, or would be.
    labels_at: usize,
    metric: Metric,
    stat: Stat,
    labels: Labels,
    op: Op,
    limit: Value,
    assumed: bool,
    overrides: bool,
}

impl Threshold {
    /// As it was written.
    #[must_use]
    pub fn expr(&self) -> &str {
        &self.expr
    }

    /// What is measured.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Which statistic of it.
    #[must_use]
    pub fn stat(&self) -> Stat {
        self.stat
    }

    /// The one route that is meant; none: the worst of all.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.labels.route.as_deref()
    }

    /// What alone it is about.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Whether thresholds of the same metric that have no labels are not about what this one is about.
    #[must_use]
    pub fn overrides(&self) -> bool {
        self.overrides
    }

    /// The same of what the labels name alone, in place of thresholds of the metric that have no labels. None where the
    /// metric is not known apart by them, and of a threshold that has labels already.
    #[must_use]
    pub fn overriding(mut self, labels: Labels) -> Option<Self> {
        if !self.labels.is_empty() || !self.metric.is_known_by(&labels) {
            return None;
        }
        self.expr.insert_str(self.labels_at, &labels.to_string());
        Some(Self { labels, overrides: true, ..self })
    }

    /// What it is compared with.
    #[must_use]
    pub fn limit(&self) -> Value {
        self.limit
    }

    /// From which length on stalls must be recorded to tell whether it holds, in nanoseconds; none where any will do, and
    /// where how many there are depends on it.
    #[must_use]
    pub fn needs_stalls_from_ns(&self) -> Option<u64> {
        let of_length = self.metric == Metric::Stall && !matches!(self.stat, Stat::Count | Stat::Total);
        of_length.then(|| self.limit.number())
    }

    /// Whether a measured value, in nanoseconds or a count, is acceptable.
    #[must_use]
    pub fn holds(&self, value: u64) -> bool {
        let limit = self.limit.number();
        match self.op {
            Op::Less => value < limit,
            Op::AtMost => value <= limit,
            Op::More => value > limit,
            Op::AtLeast => value >= limit,
            Op::Equal => value == limit,
            Op::Unequal => value != limit,
        }
    }

    /// Whether both are about the same statistic of the same things, so that one may stand in the other's place.
    #[must_use]
    pub fn is_about_the_same_as(&self, other: &Self) -> bool {
        let about = |threshold: &Self| (threshold.metric, threshold.stat, threshold.labels.clone());
        about(self) == about(other)
    }

    /// Whether nobody has asked for it. Where it cannot be measured, such a one is left out and not wanting.
    #[must_use]
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// Whether a lower value is never worse.
    pub(super) fn wants_little(&self) -> bool {
        matches!(self.op, Op::Less | Op::AtMost | Op::Equal)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.expr)
    }
}

impl FromStr for Threshold {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse::threshold(text)
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Polls over the threshold.
    Stall,
    /// All polls.
    Poll,
    /// What new work waits.
    Lag,
    /// From wake to poll.
    Schedule,
    /// Latency of requests.
    Handler,
    /// Watched futures that were dropped without one poll.
    NeverAwaited,
    /// Spawned tasks that were not polled within their limit.
    NeverPolled,
    /// Tasks that failed unseen.
    DetachedPanic,
    /// Tasks that nothing can wake.
    LostTask,
    /// Tasks by which spawn locations have grown that only grow.
    TaskLeak,
    /// Times when work waited too long for the blocking pool.
    BlockingPool,
    /// Connections that are left open.
    SocketLeak,
    /// Connections that waited at one time in accept queues that were more than half full.
    AcceptBacklog,
}

/// Which statistic of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stat {
    /// The longest.
    Max,
    /// How many.
    Count,
    /// All added up.
    Total,
    /// The average.
    Mean,
    /// What a share of them does not exceed, in thousandths of a percent: 99 000 is p99.
    Quantile(u32),
}

impl Stat {
    /// All of them, as a quantile.
    pub(super) const ALL: u32 = 100_000;
}

/// As in an expression.
impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.pad("max"),
            Self::Count => f.pad("count"),
            Self::Total => f.pad("total"),
            Self::Mean => f.pad("mean"),
            Self::Quantile(thousandths) => {
                let (whole, fraction) = (thousandths / 1000, thousandths % 1000);
                let decimals = format!(".{fraction:03}");
                f.pad(&format!("p{whole}{}", decimals.trim_end_matches(['0']).trim_end_matches('.')))
            }
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

/// A measured value, or a limit to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// A duration in nanoseconds.
    Nanos(u64),
    /// A count.
    Count(u64),
}

impl Value {
    /// The bare number: nanoseconds or a count.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Nanos(number) | Self::Count(number) => number,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanos(nanos) => show(*nanos).fmt(f),
            Self::Count(count) => count.fmt(f),
        }
    }
}
