mod grace;

use super::excuse::Excuses;
use super::host::HostDelay;
use super::measure::{measure, out_of_sight, unguarded, unseen};
use super::retry::Attempt;
use super::thresholds::{Metric, Value};
use super::{Allowance, AllowanceState, Finding, History, Terms, Threshold};
use grace::Grace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// What stands for the threshold in the outcome that is about excuses.
pub(super) const STALENESS: &str = "no stale excuse";

/// A verdict, and what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// One for each threshold.
    pub outcomes: Vec<Outcome>,
    /// What could not be seen and is not accepted, for people.
    pub lacks: Vec<String>,
    /// What else is to be known, for people: what could not be seen and is accepted is part of it.
    pub notes: Vec<String>,
    /// Why the first threshold that could not be measured could not be.
    unmeasured: Option<String>,
    excused: Excuses,
}

impl Judgement {
    /// Takes in that something could not be seen: only a breach stands all the same.
    pub fn lack(&mut self, what: String) {
        self.lacks.push(what);
        self.verdict = graver(self.verdict, Verdict::Incomplete);
    }

    /// Takes what was seen in all runs for what is excused, where there were several: an excuse that one of them needed is not
    /// stale. What was measured stays.
    pub fn excuse(&mut self, terms: &Terms, histories: &[&History]) {
        let before: Vec<_> = self.allowances().iter().filter_map(Allowance::complaint).collect();
        self.notes.retain(|note| !before.contains(note));
        self.excused = Excuses::of(terms, histories);
        self.notes.extend(self.excused.allowances().iter().filter_map(Allowance::complaint));
        let stale = staleness(self.excused.allowances(), self.lacks.is_empty());
        self.outcomes
            .iter_mut()
            .filter(|outcome| outcome.expr == STALENESS)
            .for_each(|known| known.clone_from(&stale));
        self.decide();
    }

    /// Has the outcomes and what lacks decide.
    pub(super) fn decide(&mut self) {
        let base = if self.lacks.is_empty() { Verdict::Pass } else { Verdict::Incomplete };
        self.verdict = self.outcomes.iter().map(Outcome::alone).fold(base, graver);
    }

    /// What is excused, by whom, and how much there was of it.
    #[must_use]
    pub fn allowances(&self) -> &[Allowance] {
        self.excused.allowances()
    }

    /// Says at the findings that are excused by whom, and ranks them behind the others.
    pub fn mark(&self, findings: &mut [Finding]) {
        self.excused.mark(findings);
    }

    /// Why too little was seen for the verdict: what lacks, else what could not be measured.
    #[must_use]
    pub fn want(&self) -> Option<&str> {
        self.lacks.first().or(self.unmeasured.as_ref()).map(String::as_str)
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
    /// Why it cannot be told, or what else is to be known of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the host cost, where it holds but for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostDelay>,
    /// What it was in each run, where it was measured again because it did not hold at first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

impl Outcome {
    /// The verdict if it stood alone.
    pub(super) fn alone(&self) -> Verdict {
        match self.ok {
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Breach,
            None if self.host.is_some() => Verdict::Inconclusive,
            None => Verdict::Incomplete,
        }
    }
}

/// Judges what was seen. A breach is one however little was seen; nothing else is said of data that is not complete,
/// unless the terms accept processes whose end was not seen. That there was nothing to see, or to judge, is never accepted.
#[must_use]
pub fn judge(terms: &Terms, histories: &[&History]) -> Judgement {
    let (thresholds, allow_incomplete) = (&terms.thresholds, terms.allow_incomplete);
    let (mut lacks, mut notes) = (Vec::new(), Vec::new());
    if !histories.is_empty() && !histories.iter().any(|history| history.is_watched()) {
        lacks.push("no poll was seen in any process".to_owned());
    }
    let unended = histories.iter().filter(|history| !history.complete());
    if allow_incomplete { &mut notes } else { &mut lacks }.extend(unended.map(|history| {
        let header = history.header();
        let why = match history.cut() {
            true => "its log is cut",
            false => "it still runs, or was killed, or ended before its log was finished; have it end by itself, or check end it by --timeout",
        };
        format!("process {} ({}) did not end in order: {why}", header.pid, header.exe)
    }));
    let hiding = |history: &&History| history.coverage().missing.iter().find(|gap| gap.hides_stalls).cloned();
    if let Some(gap) = histories.iter().find_map(hiding) {
        let what = format!("stalls may have gone unseen; not seen: {} ({})", gap.what, gap.cure);
        if allow_incomplete { &mut notes } else { &mut lacks }.push(what);
    }
    let grace = Grace::of(thresholds, histories);
    lacks.extend(grace.unjudged);
    notes.extend(grace.notes);
    let whole = !histories.is_empty() && lacks.is_empty();

    let (mut verdict, mut outcomes) = (if whole { Verdict::Pass } else { Verdict::Incomplete }, Vec::new());
    let (mut unmeasured, mut left_out) = (None, LeftOut::default());
    let excused = Excuses::of(terms, histories);
    for threshold in thresholds {
        // Neither what nobody asked for nor what is only to be judged otherwise is a claim that there is any.
        let absent = match () {
            () if threshold.is_assumed() => out_of_sight(threshold.metric(), histories),
            () if threshold.overrides() => unseen(threshold, histories),
            () => None,
        };
        if let Some(why) = absent {
            left_out.add(threshold, why);
            continue;
        }
        let outcome = outcome(threshold, terms, &excused, histories);
        let alone = outcome.alone();
        verdict = graver(verdict, alone);
        if alone == Verdict::Incomplete && unmeasured.is_none() {
            unmeasured.clone_from(&outcome.note);
        }
        outcomes.push(outcome);
    }
    if outcomes.is_empty() && !thresholds.is_empty() {
        lacks.push("nothing was seen that a threshold is about".to_owned());
        verdict = graver(verdict, Verdict::Incomplete);
    }
    notes.extend(left_out.notes());
    notes.extend(unguarded(thresholds, &excused, histories));
    notes.extend(excused.allowances().iter().filter_map(Allowance::complaint));
    if terms.deny_stale {
        let outcome = staleness(excused.allowances(), whole);
        verdict = graver(verdict, outcome.alone());
        outcomes.push(outcome);
    }
    Judgement { verdict, outcomes, lacks, notes, unmeasured, excused }
}

/// Whether each excuse was needed, and holds. Where not everything was seen, nobody can tell that one was not needed, but
/// that each was.
fn staleness(allowances: &[Allowance], whole: bool) -> Outcome {
    let of = |state| allowances.iter().filter(move |allowance| allowance.state == state);
    let counts = [AllowanceState::Unused, AllowanceState::Expired].map(|state| (of(state).count(), state));
    let told: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    let worst = allowances.iter().find(|allowance| allowance.is_stale());
    let expired = of(AllowanceState::Expired).count() > 0;
    let ok = (whole || expired || told.is_empty()).then_some(told.is_empty());
    Outcome {
        expr: STALENESS.to_owned(),
        measured: if told.is_empty() { "none".to_owned() } else { told.join(", ") },
        ok,
        worst: worst.map(|stale| format!("{} ({})", stale.at, stale.about())),
        note: ok
            .is_none()
            .then(|| "not everything was seen, so what was not needed cannot be told".to_owned()),
        ..Outcome::default()
    }
}

/// Thresholds that say nothing here: those that nobody asked for and that no process can show, and overrides for what did not
/// occur.
#[derive(Default)]
struct LeftOut {
    /// By the reason.
    exprs: BTreeMap<String, Vec<String>>,
}

impl LeftOut {
    fn add(&mut self, threshold: &Threshold, why: String) {
        self.exprs.entry(why).or_default().push(threshold.expr().to_owned());
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        self.exprs.iter().map(|(why, exprs)| {
            let are = if exprs.len() == 1 { "is" } else { "are" };
            format!("{} {are} left out: {why}", exprs.join(" and "))
        })
    }
}

pub(super) fn graver(a: Verdict, b: Verdict) -> Verdict {
    let gravity = |verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Inconclusive => 1,
        Verdict::Incomplete => 2,
        Verdict::Breach => 3,
    };
    if gravity(b) > gravity(a) { b } else { a }
}

/// What one threshold says.
fn outcome(threshold: &Threshold, terms: &Terms, excused: &Excuses, histories: &[&History]) -> Outcome {
    let expr = threshold.expr().to_owned();
    let measured = match measure(threshold, terms, excused, histories) {
        Ok(measured) => measured,
        Err(why) => {
            return Outcome {
                expr,
                measured: "not measured".to_owned(),
                note: Some(why),
                ..Outcome::default()
            };
        }
    };
    let (value, whole) = (measured.attributable, measured.whole);
    let mut host = None;
    let (ok, note) = if !threshold.holds(value.number()) {
        (Some(false), measured.remark)
    } else if measured.doubt.is_some() {
        (None, measured.doubt)
    } else if !threshold.holds(whole.number()) {
        let delay = HostDelay::worst(histories);
        host = Some(delay);
        (
            None,
            Some(format!(
                "{whole} with what the host cost, run it again on a quieter machine; {}",
                delay.in_words()
            )),
        )
    } else {
        (Some(true), measured.remark)
    };
    let measured_ns = match value {
        Value::Nanos(nanos) => Some(nanos),
        Value::Count(_) => None,
    };
    let measured_text = match (threshold.metric(), value) {
        (Metric::Stall, Value::Nanos(0)) => "no stall".to_owned(),
        _ => value.to_string(),
    };
    let worst = measured.worst;
    Outcome { expr, measured: measured_text, measured_ns, ok, worst, note, host, ..Outcome::default() }
}
