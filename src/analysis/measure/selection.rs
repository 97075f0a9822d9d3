use super::super::history::Subject;
use super::super::thresholds::{Labels, Metric};
use super::super::{Finding, StallRecord, Terms, Threshold};

/// Which of all there is a threshold is about. What is not known of a thing excludes it from what is named, and from nothing
/// else: so it is judged by the thresholds that name nothing.
#[derive(Debug, Clone)]
pub(super) struct Selection<'a> {
    only: &'a Labels,
    /// What other thresholds of the metric have claimed.
    without: Vec<&'a Labels>,
}

impl<'a> Selection<'a> {
    pub(super) fn of(threshold: &'a Threshold, terms: &'a Terms) -> Self {
        let claims =
            terms.thresholds.iter().filter(|other| other.overrides() && other.metric() == threshold.metric());
        let mut without: Vec<_> = claims.map(Threshold::labels).collect();
        without.sort_unstable();
        without.dedup();
        // One that names something is about all of that, whoever else claims a part of it.
        without.retain(|_| threshold.labels().is_empty());
        Self { only: threshold.labels(), without }
    }

    pub(super) fn takes_stall(&self, subject: &Subject, _record: &StallRecord) -> bool {
        let named = |labels: &Labels| {
            let is = |wanted: &Option<String>, known: &Option<String>| wanted.is_none() || wanted == known;
            is(&labels.route, &subject.route) && is(&labels.krate, &subject.krate)
        };
        named(self.only) && !self.without.iter().any(|labels| named(labels))
    }

    pub(super) fn takes_route(&self, route: &str) -> bool {
        let named = |labels: &Labels| labels.route.as_deref().is_none_or(|wanted| wanted == route);
        named(self.only) && !self.without.iter().any(|labels| named(labels))
    }

    /// Whether a finding of a rule that is counted is among them: such have no labels.
    #[expect(clippy::unused_self, reason = "the one place to ask, whatever is to be left out")]
    pub(super) fn takes_finding(&self, _finding: &Finding) -> bool {
        true
    }

    /// What is judged by thresholds of its own, for people.
    pub(super) fn left_out(&self, metric: Metric) -> Option<String> {
        let named: Vec<_> = self.without.iter().map(|labels| format!("{}{labels}", metric.name())).collect();
        let limits = if named.len() == 1 { "has limits of its own" } else { "have limits of their own" };
        (!named.is_empty()).then(|| format!("{} {limits}", named.join(" and ")))
    }
}
