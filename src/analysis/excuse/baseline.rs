use super::super::place::short_place;
use super::super::{Culprit, Finding, Rule, Severity};
use super::Allowance;
use stallscope_wire::Certainty;
use stallscope_wire::duration::show;
use std::collections::{BTreeMap, BTreeSet};

/// What is as long as this times the longest that is known, and longer by this than it, in nanoseconds, is worse than known: less
/// than that another machine may make of it.
const WORSE: (u64, u64) = (2, 50_000_000);

/// Findings that were known before, and so are excused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Baseline {
    /// The file that lists them.
    pub at: String,
    /// Each once, in order.
    pub known: Vec<Known>,
}

/// A finding as a baseline knows it: by rule, file and function, which stay when lines move. What has no function, as the line of
/// a spawn, is known by its file, and by how many places of it there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Known {
    /// Which rule.
    pub rule: Rule,
    /// The source file; of what has none, what the reports call the place.
    pub file: Option<String>,
    /// The function.
    pub function: Option<String>,
    /// In how many places of it.
    pub places: u64,
    /// The longest of it, in nanoseconds, where that is known and tells how bad it is: of what blocks.
    pub longest_ns: Option<u64>,
}

impl Known {
    /// So many places of a function, or of a file, that a rule accuses.
    #[must_use]
    pub fn new(rule: Rule, file: Option<String>, function: Option<String>, places: u64) -> Self {
        Self { rule, file, function, places, longest_ns: None }
    }

    /// The same, and how long it was at most, in nanoseconds.
    #[must_use]
    pub fn at_most(self, longest_ns: Option<u64>) -> Self {
        Self { longest_ns, ..self }
    }

    fn of(finding: &Finding) -> Self {
        let culprit = &finding.culprit;
        let spawned = || culprit.spawned_at.as_deref().map(|at| at.rsplitn(3, ':').last().unwrap_or(at));
        let file = culprit.file.as_deref().or_else(spawned).map(|file| short_place(file).to_owned());
        let file =
            file.or_else(|| (culprit.function.is_none() && culprit.is_known()).then(|| culprit.to_string()));
        Self::new(finding.rule, file, culprit.function.clone(), 1)
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.rule, &self.file, &self.function) == (other.rule, &other.file, &other.function)
    }

    fn place(&self) -> Culprit {
        // A function says more to people than its file.
        let file = self.file.clone().filter(|_| self.function.is_none());
        Culprit { function: self.function.clone(), file, ..Culprit::default() }
    }
}

impl Baseline {
    /// The findings of a baseline that a file lists.
    #[must_use]
    pub fn new(at: impl Into<String>, known: Vec<Known>) -> Self {
        Self { at: at.into(), known }
    }

    /// All that is not excused otherwise, and would be told as a warning or an error.
    #[must_use]
    pub fn of(at: impl Into<String>, findings: &[Finding]) -> Self {
        Self::of_each(at, findings)
    }

    /// A place counts once, however many findings accuse it: one line may have stalls that are certain and some that are not.
    pub(super) fn of_each<'a>(
        at: impl Into<String>,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> Self {
        let mut alike: BTreeMap<Known, (BTreeSet<Culprit>, Option<u64>)> = BTreeMap::new();
        for finding in findings.into_iter().filter(|finding| counts(finding)) {
            let (places, longest_ns) = alike.entry(Known::of(finding)).or_default();
            places.insert(finding.culprit.place());
            *longest_ns = (*longest_ns).max(length(finding));
        }
        let known = alike.into_iter().map(|(known, (places, longest_ns))| {
            Known { places: places.len() as u64, ..known }.at_most(longest_ns)
        });
        Self::new(at, known.collect())
    }

    /// The same without what no longer occurs. Nothing is added, and the longest stays: it may be short by chance today.
    #[must_use]
    pub fn shrunk(&self, findings: &[Finding]) -> Self {
        let found = Self::of("", findings).known;
        let left = self.known.iter().filter_map(|known| {
            let places = found.iter().find(|found| found.is_like(known))?.places;
            Some(Known { places: known.places.min(places), ..known.clone() })
        });
        Self { at: self.at.clone(), known: left.collect() }
    }

    pub(super) fn allowances(&self) -> impl Iterator<Item = Allowance> {
        self.known.iter().map(|known| Allowance::of_baseline(&self.at, known.rule, &known.place()))
    }

    /// Which of its findings this is, and in what it is more than it knows. Where more like it are found than it knows, nobody can
    /// tell which are new. What is probable may be several polls, so that it is longer says nothing.
    pub(super) fn find(&self, finding: &Finding, found: &Self) -> Option<(usize, Option<String>)> {
        let new = Known::of(finding);
        let at = self.known.iter().position(|known| known.is_like(&new))?;
        let known = &self.known[at];
        let alike = found.known.iter().find(|known| known.is_like(&new)).map_or(0, |known| known.places);
        let places = (alike > known.places).then(|| {
            format!("{alike} places, and {} known (places = {alike} there lets them pass)", known.places)
        });
        let longer = known.longest_ns.zip(length(finding)).filter(|&(known_ns, ns)| {
            let (times, more_ns) = WORSE;
            let certain = finding.certainty == Certainty::Exact;
            certain && ns > known_ns.saturating_mul(times).max(known_ns.saturating_add(more_ns))
        });
        let longer = longer.map(|(known_ns, ns)| {
            let max = ns.div_ceil(1_000_000);
            format!(
                "{}, and at most {} known (max = \"{max}ms\" there lets it pass)",
                show(ns),
                show(known_ns)
            )
        });
        Some((at, places.or(longer)))
    }
}

/// What alone grows without a new place.
fn length(finding: &Finding) -> Option<u64> {
    (finding.rule == Rule::BlockingPoll).then_some(finding.attributable_max_ns)
}

fn counts(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning && finding.allowed_by.is_none()
}
