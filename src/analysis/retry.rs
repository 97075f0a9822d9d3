use super::Allowance;
use super::judge::{Judgement, Outcome, STALENESS};
use serde::{Deserialize, Serialize};

/// What a threshold's value was in one of several runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The measured value, for people.
    pub measured: String,
    /// The measured value in nanoseconds, where it is a duration.
    pub measured_ns: Option<u64>,
    /// Whether it held; absent when that could not be told.
    pub ok: Option<bool>,
}

impl Attempt {
    fn of(outcome: &Outcome) -> Self {
        Self { measured: outcome.measured.clone(), measured_ns: outcome.measured_ns, ok: outcome.ok }
    }
}

impl Outcome {
    /// Whether it is worth measuring again: it does not hold, or only the host kept it from holding. That an excuse is stale is
    /// nothing that was measured.
    #[must_use]
    pub fn is_to_retry(&self) -> bool {
        let is_measured = self.expr != STALENESS;
        is_measured && (self.ok == Some(false) || (self.ok.is_none() && self.host.is_some()))
    }

    /// Takes in what the same threshold was in another run. One in which it holds decides, and else one in which it does not.
    fn retry(&mut self, again: &Self) {
        if self.attempts.is_empty() {
            self.attempts.push(Attempt::of(self));
        }
        let attempts = [std::mem::take(&mut self.attempts), vec![Attempt::of(again)]].concat();
        let decides = again.ok == Some(true) || (again.ok == Some(false) && self.ok.is_none());
        if decides {
            *self = again.clone();
        }
        self.attempts = attempts;
    }

    /// What became of it in all runs, for people; none of one that was measured once.
    #[must_use]
    pub fn retries_in_words(&self) -> Option<String> {
        let (last, before) = self.attempts.split_last()?;
        let values: Vec<_> = self.attempts.iter().map(|attempt| attempt.measured.as_str()).collect();
        let what = match (last.ok, before.len()) {
            (Some(true), at) => format!("needed a retry: held in retry {at}"),
            (_, 1) => "did not hold in a retry either".to_owned(),
            (_, retries) => format!("did not hold in any of {retries} retries either"),
        };
        Some(format!("{what}; measured {}", values.join(", then ")))
    }
}

impl Judgement {
    /// Takes in what another run of the same, the retry of this number, says of thresholds that did not hold here: one that
    /// holds there counts as held. A run of which too little was seen says nothing. What lacks there and what else is to be
    /// known of it is told in the notes, as that retry's.
    pub fn retry(&mut self, again: Judgement, retry: u32) {
        let whole = again.lacks.is_empty();
        for outcome in self.outcomes.iter_mut().filter(|outcome| outcome.is_to_retry()) {
            if let Some(other) = again.outcomes.iter().find(|other| other.expr == outcome.expr) {
                let ok = other.ok.filter(|&ok| whole || !ok);
                outcome.retry(&Outcome { ok, ..other.clone() });
            }
        }
        // Whether an excuse is stale, all runs tell together.
        let complaints: Vec<_> = again.allowances().iter().filter_map(Allowance::complaint).collect();
        let said = again.lacks.into_iter().chain(again.notes);
        let said: Vec<_> =
            said.filter(|note| !complaints.contains(note) && !self.notes.contains(note)).collect();
        self.notes.extend(said.into_iter().map(|note| format!("in retry {retry}: {note}")));
        self.decide();
    }
}
