use super::process::Process;
use stallscope::analysis::{Cause, Culprit, Finding, Rule, StallRecord};

/// Tells a finding from the others, however its numbers grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FindingId {
    rule: Rule,
    by_host: bool,
    place: Culprit,
}

impl FindingId {
    pub(crate) fn of(finding: &Finding) -> Self {
        Self { rule: finding.rule, by_host: finding.cause == Cause::Host, place: place(&finding.culprit) }
    }

    pub(crate) fn is_of(&self, finding: &Finding) -> bool {
        *self == Self::of(finding)
    }

    pub(crate) fn find<'a>(&self, process: &'a Process) -> Option<&'a Finding> {
        process.findings.iter().find(|finding| self.is_of(finding))
    }
}

/// A finding with what is known of the stalls behind it.
#[derive(Debug)]
pub(crate) struct Detail<'a> {
    pub(crate) finding: &'a Finding,
    /// The stall that goes on, of several the longest.
    pub(crate) ongoing: Option<&'a StallRecord>,
    /// The newest stall.
    pub(crate) latest: Option<&'a StallRecord>,
    /// The one that tells most: the longest.
    pub(crate) worst: Option<&'a StallRecord>,
    /// Index of the accused frame in the finding's stack.
    pub(crate) culprit: Option<usize>,
}

impl<'a> Detail<'a> {
    pub(crate) fn of(process: &'a Process, id: &FindingId) -> Option<Self> {
        let finding = id.find(process)?;
        let stalls =
            || process.history.stalls().filter(|record| id.rule == Rule::BlockingPoll && id.accuses(record));
        let accused = finding.stack.iter().position(|frame| {
            frame.user && frame.file == finding.culprit.file && frame.line == finding.culprit.line
        });
        Some(Self {
            finding,
            ongoing: stalls().filter(|record| record.ongoing).min_by_key(|record| record.stall.started_ns),
            latest: stalls().max_by_key(|record| record.stall.started_ns),
            worst: stalls().max_by_key(|record| (record.attributable_ns(), record.stall.duration_ns)),
            culprit: accused.or_else(|| finding.stack.iter().position(|frame| frame.user)),
        })
    }

    /// The longest stall, which may be the one that goes on, in nanoseconds.
    pub(crate) fn longest_ns(&self, process: &Process, now_ns: u64) -> u64 {
        self.finding.max_ns.max(self.ongoing.map_or(0, |record| process.lasted_ns(record, now_ns)))
    }

    /// All stalls added up, the one that goes on up to now, in nanoseconds.
    pub(crate) fn total_ns(&self, process: &Process, now_ns: u64) -> u64 {
        let untold =
            self.ongoing.map_or(0, |record| process.lasted_ns(record, now_ns) - record.stall.duration_ns);
        self.finding.total_ns.saturating_add(untold)
    }
}

impl FindingId {
    fn accuses(&self, record: &StallRecord) -> bool {
        self.by_host == record.blames_host() && self.place == place(&Culprit::of(record))
    }
}

/// A generic function has a name for each of its instances: where a line is known, it alone tells.
fn place(culprit: &Culprit) -> Culprit {
    let function = culprit.function.clone().filter(|_| culprit.file.is_none() || culprit.line.is_none());
    Culprit { function, ..culprit.clone() }
}
