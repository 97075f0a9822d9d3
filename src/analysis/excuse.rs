//! What is excused: left out of what thresholds measure, and told with who excuses it.

mod allowance;
mod baseline;
mod meant;

pub use allowance::{Allowance, AllowanceState, By};
pub use baseline::{Baseline, Known};

use super::place::short_place;
use super::{Culprit, Finding, History, Rule, Severity, StallRecord, Terms, findings};
use std::collections::BTreeMap;

/// Something that is excused by a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excuse {
    /// The place: what the reports call it (`file:line`, a file, a function, a spawn location, a route), or its beginning, up to
    /// where a name ends.
    pub frame: String,
    /// The rule; of all rules, where there is none.
    pub rule: Option<Rule>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, for people.
    pub until: Option<String>,
    /// That day is over.
    pub expired: bool,
    /// Where it says so, `file:line`.
    pub at: String,
}

impl Excuse {
    /// Whether this is what it is about, whatever the day. What has waited behind an excused stall is excused with it.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let rule = |rule| rule == finding.rule || (rule, finding.rule) == (Rule::BlockingPoll, Rule::LoopLag);
        self.rule.is_none_or(rule) && self.is_at(&finding.culprit)
    }

    /// Whether it names this place. What the reports say in words for want of a name is it only as a whole.
    fn is_at(&self, culprit: &Culprit) -> bool {
        let said = || culprit.is_known() && culprit.to_string() == self.frame;
        names(culprit).any(|name| begins(&name, self.frame()) || is_within(&name, self.frame())) || said()
    }

    /// The place as the reports write it.
    fn frame(&self) -> &str {
        self.frame.strip_prefix("./").unwrap_or(&self.frame)
    }
}

/// The names of a place.
fn names(culprit: &Culprit) -> impl Iterator<Item = String> {
    let file = culprit.file.as_deref().map(short_place);
    let line = file.zip(culprit.line).map(|(file, line)| format!("{file}:{line}"));
    let spawned = culprit.spawned_at.as_deref().map(|at| short_place(at).to_owned());
    let others = [&culprit.function, &culprit.route, &culprit.listener, &culprit.peer];
    let module =
        culprit.module.as_deref().map(|module| module.rsplit('/').next().unwrap_or(module).to_owned());
    line.or_else(|| file.map(str::to_owned))
        .into_iter()
        .chain(spawned)
        .chain(others.into_iter().flatten().cloned())
        .chain(module)
}

/// Whether a name begins so, and the beginning does not end within a word of it.
fn begins(name: &str, beginning: &str) -> bool {
    let of_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
    let within_word = |rest: &str| beginning.ends_with(of_word) && rest.starts_with(of_word);
    !beginning.is_empty() && name.strip_prefix(beginning).is_some_and(|rest| !within_word(rest))
}

/// Whether an absolute path goes on so from one of its folders on: without the entry macro nobody knows the project's own.
fn is_within(name: &str, path: &str) -> bool {
    let folders = || name.match_indices('/').map(|(at, slash)| &name[at + slash.len()..]);
    name.starts_with('/') && path.contains('/') && folders().any(|rest| begins(rest, path))
}

/// What is excused in a run, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Excuses {
    /// Index into the allowances.
    by: BTreeMap<(Rule, Culprit), usize>,
    allowances: Vec<Allowance>,
}

impl Excuses {
    pub(super) fn of(terms: &Terms, histories: &[&History]) -> Self {
        let mut excused = Self::default();
        excused.allowances.extend(terms.excuses.iter().map(Allowance::of));
        let known = terms.baseline.as_ref();
        let first_known = excused.allowances.len();
        excused.allowances.extend(known.into_iter().flat_map(Baseline::allowances));
        let found = findings(histories);
        let by_file = |finding: &Finding| {
            terms.excuses.iter().position(|excuse| !excuse.expired && excuse.covers(finding))
        };
        // What is excused otherwise is in no baseline, and so does not stand beside what is.
        let unexcused = Baseline::of_each("", found.iter().filter(|finding| by_file(finding).is_none()));
        let (mut exceeded, mut covered) = (Vec::new(), Vec::new());
        for finding in &found {
            if finding.allowed_by.is_some() {
                excused.note_code(finding);
                continue;
            }
            if finding.severity < Severity::Warning {
                continue;
            }
            let by_baseline =
                || known?.find(finding, &unexcused).map(|(at, excess)| (first_known + at, excess));
            let by = by_file(finding).map(|at| (at, None)).or_else(by_baseline);
            if let Some((at, Some(excess))) = by {
                excused.allowances[at].exceed(excess, finding);
                exceeded.push(key(finding.rule, &finding.culprit));
            } else if let Some((at, None)) = by {
                covered.push((at, finding));
                // Of several the first holds: a file's own word before what was known.
                let by = excused.by.entry(key(finding.rule, &finding.culprit)).or_insert(at);
                *by = at.min(*by);
            } else if let Some(expired) = terms.excuses.iter().position(|excuse| excuse.covers(finding)) {
                excused.allowances[expired].note(finding);
            }
        }
        // What was known excuses nothing of a place where some is worse, since processes and certainties tell findings of one apart;
        // nor what has waited behind it.
        excused.by.retain(|(rule, place), at| {
            let is_worse = |(worse, of): &(Rule, Culprit)| {
                of == place && (worse == rule || (*worse, *rule) == (Rule::BlockingPoll, Rule::LoopLag))
            };
            *at < first_known || !exceeded.iter().any(is_worse)
        });
        for (at, finding) in covered {
            let allowance = &mut excused.allowances[at];
            if excused.by.contains_key(&key(finding.rule, &finding.culprit)) {
                allowance.note(finding);
            } else if allowance.state != AllowanceState::Exceeded {
                allowance.exceed("what it waited behind is worse than known".to_owned(), finding);
            }
        }
        let left = |finding: &&Finding| finding.severity >= Severity::Warning && !excused.is_finding(finding);
        let left: Vec<_> = found.iter().filter(left).collect();
        for (excuse, allowance) in terms.excuses.iter().zip(&mut excused.allowances) {
            if allowance.state == AllowanceState::Unused {
                allowance.note = meant::meant(excuse, &left);
            }
        }
        excused
    }

    /// What the code itself allows is told by the findings that it is excused in.
    fn note_code(&mut self, finding: &Finding) {
        let allowance = Allowance::of_code(finding);
        let known = self.allowances.iter_mut().find(|known| {
            known.by == By::Code && known.at == allowance.at && known.reason == allowance.reason
        });
        match known {
            Some(known) => known.note(finding),
            None => {
                self.allowances.push(allowance);
                self.allowances.last_mut().into_iter().for_each(|new| new.note(finding));
            }
        }
    }

    /// Says at what is excused who excuses it, and ranks it behind everything else.
    pub(super) fn mark(&self, findings: &mut [Finding]) {
        for finding in &mut *findings {
            if let (Some(by), None) = (self.by(finding.rule, &finding.culprit), &finding.allowed_by) {
                finding.allowed_by = Some(by.reason.clone());
                finding.allowed_at = Some(by.at.clone());
                finding.severity = Severity::Info;
            }
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }

    pub(super) fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    pub(super) fn is_finding(&self, finding: &Finding) -> bool {
        finding.allowed_by.is_some() || self.by(finding.rule, &finding.culprit).is_some()
    }

    pub(super) fn is_stall(&self, record: &StallRecord) -> bool {
        !self.by.is_empty() && self.by(Rule::BlockingPoll, &Culprit::of(record)).is_some()
    }

    /// Whether waits that this explains are: none where no single poll does.
    pub(super) fn is_lag(&self, explanation: Option<&StallRecord>) -> bool {
        let culprit = || explanation.map(Culprit::of).unwrap_or_default();
        !self.by.is_empty() && self.by(Rule::LoopLag, &culprit()).is_some()
    }

    fn by(&self, rule: Rule, culprit: &Culprit) -> Option<&Allowance> {
        self.by.get(&key(rule, culprit)).map(|&at| &self.allowances[at])
    }
}

fn key(rule: Rule, culprit: &Culprit) -> (Rule, Culprit) {
    (rule, culprit.place())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_where_a_word_does() {
        for (name, beginning) in [
            ("src/report.rs:42", "src/report.rs:42"),
            ("src/report.rs:42", "src/report.rs"),
            ("src/report.rs:42", "src/report"),
            ("src/report.rs:42", "src"),
            ("src/report.rs:42", "src/"),
            ("app::render::{closure#0}", "app::render"),
            ("app::decode<u8>", "app::decode"),
            ("GET /users/{id} on 0.0.0.0:80", "GET /users/{id}"),
        ] {
            assert!(begins(name, beginning), "{name} {beginning}");
        }
        for (name, beginning) in [
            ("src/report.rs:42", "src/report.rs:4"),
            ("src/report.rs:42", "src/rep"),
            ("src/report_old.rs:42", "src/report"),
            ("src/report-old.rs:42", "src/report"),
            ("src/report.rs:42", "report.rs"),
            ("app::render", "render"),
            ("app::rendered", "app::render"),
            ("app::render", ""),
        ] {
            assert!(!begins(name, beginning), "{name} {beginning}");
        }
    }
}
