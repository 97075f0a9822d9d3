use super::super::{Culprit, Finding, Rule};
use super::Excuse;
use serde::{Deserialize, Serialize};
use stallscope_wire::counted;
use stallscope_wire::duration::show;
use std::fmt;

/// Something that is allowed, by whom, and how much of it there was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Allowance {
    /// Who allows it.
    pub by: By,
    /// Where it says so: `file:line`, of a baseline the file alone.
    pub at: String,
    /// Why.
    pub reason: String,
    /// The place that it is about; of the code's own word that of the finding.
    pub frame: String,
    /// The rule that it is about; of all rules, where there is none.
    pub rule: Option<Rule>,
    /// The last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether it was needed.
    pub state: AllowanceState,
    /// How many findings it covers; one that has expired covers them in vain.
    pub findings: u64,
    /// How often these were seen.
    pub count: u64,
    /// The longest of it, in nanoseconds.
    pub max_ns: u64,
    /// All of it, in nanoseconds.
    pub total_ns: u64,
    /// What is more than it covers; what else was found that it may have been meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The longest that it does not cover, in nanoseconds, where some is like it.
    #[serde(skip)]
    exceeded_ns: u64,
    /// What is counted so far are waits.
    #[serde(skip)]
    of_waits: bool,
}

/// Who allows something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum By {
    /// An `[[allow]]` of a file.
    #[default]
    File,
    /// The code itself, by `stallscope::allow`.
    Code,
    /// A baseline of what was known before.
    Baseline,
}

/// Whether an allowance was needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AllowanceState {
    /// What it is about was seen.
    Used,
    /// It was not seen this time.
    #[default]
    Unused,
    /// Its last day is over: it excuses nothing any more.
    Expired,
    /// More, or worse, was seen than it knows, which it does not excuse.
    Exceeded,
}

impl fmt::Display for AllowanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Exceeded => "exceeded",
        })
    }
}

impl Allowance {
    pub(super) fn of(excuse: &Excuse) -> Self {
        let Excuse { frame, rule, reason, until, expired, at } = excuse.clone();
        let state = if expired { AllowanceState::Expired } else { AllowanceState::Unused };
        Self { by: By::File, at, reason, frame, rule, until, state, ..Self::default() }
    }

    /// Of what the code itself allows.
    pub(super) fn of_code(finding: &Finding) -> Self {
        Self {
            by: By::Code,
            at: finding.allowed_at.clone().unwrap_or_default(),
            reason: finding.allowed_by.clone().unwrap_or_default(),
            frame: finding.culprit.to_string(),
            rule: Some(finding.rule),
            ..Self::default()
        }
    }

    pub(super) fn of_baseline(at: &str, rule: Rule, place: &Culprit) -> Self {
        Self {
            by: By::Baseline,
            at: at.to_owned(),
            reason: "known before".to_owned(),
            frame: place.to_string(),
            rule: Some(rule),
            ..Self::default()
        }
    }

    /// Takes in that it does not cover this, though it is like it: of several the longest is told.
    pub(super) fn exceed(&mut self, excess: String, finding: &Finding) {
        if self.state != AllowanceState::Exceeded || finding.attributable_max_ns > self.exceeded_ns {
            self.exceeded_ns = finding.attributable_max_ns;
            self.note = Some(excess);
        }
        self.state = AllowanceState::Exceeded;
    }

    /// Counts what it covers.
    pub(super) fn note(&mut self, finding: &Finding) {
        if self.state == AllowanceState::Unused {
            self.state = AllowanceState::Used;
        }
        self.findings += 1;
        // What waited behind a stall is not counted a second time.
        let of_waits = finding.rule == Rule::LoopLag;
        if self.count > 0 && of_waits != self.of_waits {
            if of_waits {
                return;
            }
            (self.count, self.max_ns, self.total_ns) = (0, 0, 0);
        }
        self.of_waits = of_waits;
        self.count = self.count.saturating_add(finding.count);
        self.max_ns = self.max_ns.max(finding.max_ns);
        self.total_ns = self.total_ns.saturating_add(finding.total_ns);
    }

    /// Whether it is no longer needed, or no longer holds.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self.state, AllowanceState::Unused | AllowanceState::Expired)
    }

    /// What it is about, for people: `blocking-poll at src/report.rs:42`.
    #[must_use]
    pub fn about(&self) -> String {
        match (self.rule, self.frame.is_empty()) {
            (Some(rule), false) => format!("{rule} at {}", self.frame),
            (Some(rule), true) => rule.to_string(),
            (None, _) => self.frame.clone(),
        }
    }

    /// How much it covers, for people: `3 times, at most 312ms`.
    #[must_use]
    pub fn how_much(&self) -> String {
        let times = match self.count {
            0 => return "nothing".to_owned(),
            1 => "once".to_owned(),
            count => counted(count, "time"),
        };
        match self.max_ns {
            0 => times,
            max_ns => format!("{times}, {}{}", if self.count > 1 { "at most " } else { "" }, show(max_ns)),
        }
    }

    /// Why it does not do what it is for and what to do, in a sentence; none when it does.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let about = self.about();
        let note = self.note.as_deref();
        match (self.state, self.by) {
            (AllowanceState::Used, _) => None,
            (AllowanceState::Exceeded, _) => {
                Some(format!("{}: {about} is more than it knows: {}", self.at, note.unwrap_or_default()))
            }
            (AllowanceState::Expired, _) => {
                let until = self.until.as_deref().unwrap_or_default();
                let covers = match self.findings {
                    0 => "nothing that it is about was seen: remove it".to_owned(),
                    _ => format!(
                        "what it was about is still there ({}): mend that, or set another day",
                        self.how_much()
                    ),
                };
                Some(format!("{}: the excuse for {about} ended with {until}; {covers}", self.at))
            }
            (_, By::Baseline) => {
                Some(format!("{}: {about} was not seen this time: --update-baseline removes it", self.at))
            }
            _ => Some(format!(
                "{}: the excuse for {about} was not needed this time{}",
                self.at,
                note.map_or_else(|| ": remove it if that is gone".to_owned(), |note| format!("; {note}"))
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waited_behind_a_stall_is_counted_once_whichever_is_told_first() {
        let finding =
            |rule, count, ns| Finding { rule, count, max_ns: ns, total_ns: ns, ..Finding::default() };
        let found = [
            finding(Rule::LoopLag, 1, 280),
            finding(Rule::LoopLag, 2, 290),
            finding(Rule::BlockingPoll, 1, 300),
            finding(Rule::BlockingPoll, 3, 200),
        ];
        let counted = |found: &[&Finding]| {
            let mut allowance = Allowance::default();
            found.iter().for_each(|finding| allowance.note(finding));
            (allowance.findings, allowance.count, allowance.max_ns, allowance.total_ns)
        };
        let [waits, more_waits, stall, more_stalls] = &found;
        for order in [
            [waits, more_waits, stall, more_stalls],
            [stall, waits, more_waits, more_stalls],
            [stall, more_stalls, waits, more_waits],
        ] {
            assert_eq!(counted(&order), (4, 4, 300, 500));
        }
        assert_eq!(counted(&[waits, more_waits]), (2, 3, 290, 570));
    }
}
