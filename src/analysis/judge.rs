use super::measure::measure;
use super::thresholds::{Metric, Value};
use super::{History, Threshold};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether what was seen is acceptable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// All thresholds hold.
    Pass,
    /// At least one does not.
    Breach,
    /// Too little was seen to say that they hold.
    #[default]
    Incomplete,
    /// They would hold, had the host not been busy elsewhere.
    Inconclusive,
}

impl Verdict {
    /// The exit code of `stallscope check`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Breach => 99,
            Self::Incomplete => 98,
            Self::Inconclusive => 97,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Breach => "breach",
            Self::Incomplete => "incomplete",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// A verdict, and what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// One for each threshold.
    pub outcomes: Vec<Outcome>,
    /// What the processes left unknown, for people; also told when it was allowed.
    pub notes: Vec<String>,
}

impl Judgement {
    /// Takes in that something could not be seen: only a breach stands all the same.
    pub fn lack(&mut self, note: String) {
        self.notes.push(note);
        self.verdict = graver(self.verdict, Verdict::Incomplete);
    }
}

/// What became of one threshold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The threshold as it was written.
    pub expr: String,
    /// The measured value, for people.
    pub measured: String,
    /// The measured value in nanoseconds, where it is a duration.
    pub measured_ns: Option<u64>,
    /// Whether it holds; absent when that cannot be told.
    pub ok: Option<bool>,
    /// Where the worst of it was.
    pub worst: Option<String>,
    /// Why it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Judges what was seen. A breach is one however little was seen; nothing else is said of data that is not complete,
/// unless `allow_incomplete` accepts processes whose end was not seen. That there was nothing to see is never accepted.
#[must_use]
pub fn judge(thresholds: &[Threshold], histories: &[&History], allow_incomplete: bool) -> Judgement {
    let mut notes = Vec::new();
    let polled = histories.iter().any(|history| history.polls() > 0);
    if histories.is_empty() {
        notes.push("nothing instrumented ran".to_owned());
    } else if !polled {
        notes.push("no poll was seen in any process".to_owned());
    }
    let unended = histories.iter().filter(|history| !history.complete());
    notes.extend(unended.map(|history| {
        let header = history.header();
        let why = if history.cut() { "its log is cut" } else { "it still runs, or was killed" };
        format!("process {} ({}) did not end in order: {why}", header.pid, header.exe)
    }));
    let whole = polled && (allow_incomplete || histories.iter().all(|history| history.complete()));

    let (mut verdict, mut outcomes) = (if whole { Verdict::Pass } else { Verdict::Incomplete }, Vec::new());
    for threshold in thresholds {
        let (outcome, alone) = outcome(threshold, histories);
        verdict = graver(verdict, alone);
        outcomes.push(outcome);
    }
    Judgement { verdict, outcomes, notes }
}

fn graver(a: Verdict, b: Verdict) -> Verdict {
    let gravity = |verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Inconclusive => 1,
        Verdict::Incomplete => 2,
        Verdict::Breach => 3,
    };
    if gravity(b) > gravity(a) { b } else { a }
}

/// What one threshold says, and the verdict if it stood alone.
fn outcome(threshold: &Threshold, histories: &[&History]) -> (Outcome, Verdict) {
    let expr = threshold.expr().to_owned();
    let measured = match measure(threshold, histories) {
        Ok(measured) => measured,
        Err(why) => {
            let outcome =
                Outcome { expr, measured: "not measured".to_owned(), note: Some(why), ..Outcome::default() };
            return (outcome, Verdict::Incomplete);
        }
    };
    let (value, whole) = (measured.attributable, measured.whole);
    let (verdict, ok, note) = if !threshold.holds(value.number()) {
        (Verdict::Breach, Some(false), None)
    } else if measured.doubt.is_some() {
        (Verdict::Incomplete, None, measured.doubt)
    } else if !threshold.holds(whole.number()) {
        (
            Verdict::Inconclusive,
            None,
            Some(format!("{whole} with what the host cost: run it again on a quieter machine")),
        )
    } else {
        (Verdict::Pass, Some(true), None)
    };
    let measured_ns = match value {
        Value::Nanos(nanos) => Some(nanos),
        Value::Count(_) => None,
    };
    let measured_text = match (threshold.metric(), value) {
        (Metric::Stall, Value::Nanos(0)) => "no stall".to_owned(),
        _ => value.to_string(),
    };
    (Outcome { expr, measured: measured_text, measured_ns, ok, worst: measured.worst, note }, verdict)
}
