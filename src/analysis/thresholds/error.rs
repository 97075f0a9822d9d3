use super::Metric;
use super::labels::Label;
use super::name::{METRICS, STATS, nearest};
use std::fmt;
use std::ops::Range;

/// An expression that is no threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub(super) expr: String,
    /// Bytes of `expr`, on character borders.
    pub(super) at: Range<usize>,
    pub(super) problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    NoMetric,
    LimitFirst(String),
    UnknownMetric(String),
    UnknownStat(String),
    OnlyCounts(&'static str),
    NoLabels(&'static str),
    UnknownLabel(String, Metric),
    TwiceLabel(&'static str),
    Expected(&'static str),
    Unclosed,
    Assignment(&'static str),
    Duration(String),
    NotANumber(String),
    Trailing(String),
    WantsMuch(String),
    NeverExact(String),
}

impl ParseError {
    /// The offending character, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.expr[..self.at.start].chars().count() + 1
    }

    /// The offending part, in bytes of the expression.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.at.clone()
    }

    /// What is wrong and what was expected, without the expression.
    #[must_use]
    pub fn message(&self) -> String {
        self.problem.to_string()
    }
}

/// What is wrong and what was expected; then the expression; then a mark under the offending part.
impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)?;
        // A tab or newline in the expression would put the mark in the wrong place.
        let shown: String = self.expr.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let width = self.expr[self.at.clone()].chars().count().max(1);
        write!(
            f,
            " (column {})\n  {shown}\n  {:column$}{:^>width$}",
            self.column(),
            "",
            "",
            column = self.column() - 1
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMetric => write!(
                f,
                "a threshold begins with a metric, as in \"stall.max < 100ms\"; metrics are {}",
                list(&METRICS)
            ),
            Self::LimitFirst(meant) => write!(f, "the metric stands before its limit: write \"{meant}\""),
            Self::UnknownMetric(name) => {
                write!(f, "unknown metric \"{name}\"")?;
                suggest(f, name, &METRICS, "metrics")
            }
            Self::UnknownStat(name) => {
                write!(f, "unknown statistic \"{name}\"")?;
                suggest(f, name, &STATS, "statistics")
            }
            Self::OnlyCounts(metric) => write!(f, "{metric} can only be counted: write {metric}.count"),
            Self::NoLabels(metric) => write!(
                f,
                "{metric} takes no label: it is not known apart by route or crate, as stall and handler are"
            ),
            Self::UnknownLabel(name, metric) => {
                let known = || metric.labels().iter().map(|label| label.name());
                write!(f, "unknown label \"{name}\"")?;
                match nearest(name, known()) {
                    Some(near) => write!(f, "; did you mean \"{near}\"?"),
                    None => {
                        let known: Vec<_> = known().collect();
                        write!(f, "; {} has {}, as in ", metric.name(), known.join(" and "))?;
                        write!(f, "{}{{{}}}", metric.name(), Label::Route.example())
                    }
                }
            }
            Self::TwiceLabel(name) => write!(f, "the label {name} is given twice"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Unclosed => f.write_str("this text is not closed: it ends with a \""),
            Self::Assignment(meant) => write!(f, "a single = compares nothing: write {meant}"),
            Self::Duration(error) => f.write_str(error),
            Self::NotANumber(value) => write!(f, "\"{value}\" is no count: write a whole number, such as 0"),
            Self::WantsMuch(meant) => {
                write!(f, "a threshold says what must hold, and of this less is better: write \"{meant}\"")
            }
            Self::NeverExact(meant) => {
                write!(f, "no measured time is exactly so long, so this never holds: write \"{meant}\"")
            }
            Self::Trailing(rest) => write!(
                f,
                "nothing may follow the value, but \"{rest}\" does; each threshold stands by itself"
            ),
        }
    }
}

fn suggest<T>(f: &mut fmt::Formatter<'_>, name: &str, known: &[(&str, T)], what: &str) -> fmt::Result {
    match nearest(name, known.iter().map(|(name, _)| *name)) {
        Some(near) => write!(f, "; did you mean \"{near}\"?"),
        None => write!(f, "; {what} are {}", list(known)),
    }
}

fn list<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl std::error::Error for ParseError {}
