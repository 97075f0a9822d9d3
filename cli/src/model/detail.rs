use super::process::Process;
use stallscope::analysis::{Culprit, Finding, History, Rule, StallRecord};

/// Tells a finding from the others, however its numbers grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FindingId {
    rule: Rule,
    place: Culprit,
    /// The same line's stalls that are certain are another finding.
    probable: bool,
}

impl FindingId {
    pub(crate) fn of(finding: &Finding) -> Self {
        // A lag is one finding, however sure the stall is that it waited behind.
        let probable = finding.rule != Rule::LoopLag && finding.doubt().is_some();
        Self { rule: finding.rule, place: finding.culprit.place(), probable }
    }

    pub(crate) fn is_of(&self, finding: &Finding) -> bool {
        *self == Self::of(finding)
    }

    pub(crate) fn find<'a>(&self, process: &'a Process) -> Option<&'a Finding> {
        process.findings.iter().find(|finding| self.is_of(finding))
    }
}

/// The stalls behind a finding, by their ids.
#[derive(Debug, Clone)]
pub(super) struct Behind {
    /// The finding's, and the same as a text.
    id: FindingId,
    key: String,
    ongoing: Vec<u64>,
    latest: Option<u64>,
    worst: Option<u64>,
}

impl Behind {
    fn new(id: FindingId) -> Self {
        Self { key: format!("{id:?}"), id, ongoing: Vec::new(), latest: None, worst: None }
    }

    pub(super) fn goes_on(&self) -> bool {
        !self.ongoing.is_empty()
    }

    /// Those of each finding, in one pass over all stalls.
    pub(super) fn each(findings: &[Finding], history: &History) -> Vec<Self> {
        let mut behind: Vec<_> = findings.iter().map(|finding| Self::new(FindingId::of(finding))).collect();
        for record in history.stalls().filter(|record| !record.blames_host()) {
            let (rule, place) = (Rule::BlockingPoll, Culprit::of(record).place());
            let id = FindingId { rule, place, probable: record.is_probable() };
            let Some(behind) = behind.iter_mut().find(|behind| behind.id == id) else { continue };
            let stall = record.stall.id;
            if record.ongoing {
                behind.ongoing.push(stall);
            }
            behind.latest = Some(stall);
            let length = |record: &StallRecord| (record.attributable_ns(), record.stall.duration_ns);
            let worst = behind.worst.and_then(|worst| history.stall(worst));
            if worst.is_none_or(|worst| length(record) > length(worst)) {
                behind.worst = Some(stall);
            }
        }
        behind
    }
}

/// A finding with what is known of the stalls behind it.
#[derive(Debug)]
pub(crate) struct Detail<'a> {
    pub(crate) finding: &'a Finding,
    pub(super) id: &'a FindingId,
    /// The same as a text.
    pub(super) key: &'a str,
    /// The stalls that go on, the longest first.
    pub(crate) ongoing: Vec<&'a StallRecord>,
    /// The newest stall.
    pub(crate) latest: Option<&'a StallRecord>,
    /// The one that tells most: the longest.
    pub(crate) worst: Option<&'a StallRecord>,
    /// Index of the accused frame in the finding's stack.
    pub(crate) culprit: Option<usize>,
}

impl<'a> Detail<'a> {
    pub(crate) fn of(process: &'a Process, id: &FindingId) -> Option<Self> {
        let at = process.behind.iter().position(|behind| behind.id == *id)?;
        Self::nth(process, at)
    }

    /// All findings in their order.
    pub(crate) fn all(process: &'a Process) -> Vec<Self> {
        (0..process.findings.len()).filter_map(|at| Self::nth(process, at)).collect()
    }

    fn nth(process: &'a Process, at: usize) -> Option<Self> {
        let (finding, behind) = (process.findings.get(at)?, process.behind.get(at)?);
        let stall = |id: &u64| process.history.stall(*id);
        let mut ongoing: Vec<_> = behind.ongoing.iter().filter_map(stall).collect();
        ongoing.sort_by_key(|record| record.stall.started_ns);
        Some(Self {
            finding,
            id: &behind.id,
            key: &behind.key,
            ongoing,
            latest: behind.latest.as_ref().and_then(stall),
            worst: behind.worst.as_ref().and_then(stall),
            culprit: finding.culprit_frame(),
        })
    }

    /// The longest stall, which may be one that goes on, in nanoseconds; of what the code answers for.
    pub(crate) fn longest_ns(&self, process: &Process, now_ns: u64) -> u64 {
        let ongoing = self.ongoing.iter().map(|record| process.answered_ns(record, now_ns)).max();
        self.told(self.finding.attributable_max_ns, self.finding.max_ns).max(ongoing.unwrap_or(0))
    }

    /// All stalls added up, those that go on up to now, in nanoseconds; of what the code answers for.
    pub(crate) fn total_ns(&self, process: &Process, now_ns: u64) -> u64 {
        let untold = |record: &&StallRecord| process.lasted_ns(record, now_ns) - record.stall.duration_ns;
        let told = self.told(self.finding.attributable_total_ns, self.finding.total_ns);
        told.saturating_add(self.ongoing.iter().map(untold).sum())
    }

    /// How much of the stalls' time the machine took, in nanoseconds.
    pub(crate) fn host_ns(&self) -> u64 {
        let finding = self.finding;
        self.told(finding.total_ns.saturating_sub(finding.attributable_total_ns), 0)
    }

    /// Whether a stall is known to be one of those behind it.
    pub(crate) fn has(&self, stall: u64) -> bool {
        self.ongoing
            .iter()
            .copied()
            .chain(self.latest)
            .chain(self.worst)
            .any(|record| record.stall.id == stall)
    }

    /// Whether the names of its place are still to come.
    pub(crate) fn is_being_named(&self, process: &Process, now_ns: u64) -> bool {
        !self.ongoing.is_empty() && self.ongoing.iter().all(|record| process.is_being_named(record, now_ns))
    }

    /// Only of stalls it is known what the code answers for.
    fn told(&self, attributable_ns: u64, all_ns: u64) -> u64 {
        if self.finding.rule == Rule::BlockingPoll { attributable_ns } else { all_ns }
    }
}
