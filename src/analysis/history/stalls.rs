#[cfg(feature = "report")]
use super::super::group::Group;
use super::super::group::Groups;
use super::super::measure::Shift;
use super::{Lengths, Pauses, Subject};
use stallscope_wire::{Cause, Earlier, Header, Owner, Phase, Snapshot, Stack, Stall, Worker};
use std::collections::BTreeMap;
use std::sync::Arc;

/// More records than this, and the dull ones among them are folded into the counts of their culprits.
const LIMIT: usize = 4096;
/// The newest that are then kept.
const NEWEST: usize = 1024;
/// The worst of the others that are then kept.
const WORST: usize = 1024;
/// More subjects of those that are folded than this are not told apart.
const SUBJECTS: usize = 64;

/// A stall, its lines merged: numbers by the last line, the stack by the most telling capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StallRecord {
    /// What the last line said, with the last of the most telling stacks.
    pub stall: Stall,
    /// Neither a line said that it ended, nor a later snapshot that its thread is no longer in it.
    pub ongoing: bool,
}

impl StallRecord {
    /// The time that the code answers for, in nanoseconds: none when the machine is to blame.
    #[must_use]
    pub fn attributable_ns(&self) -> u64 {
        if self.blames_host() { 0 } else { self.stall.attributable_ns }
    }

    /// Ranks stalls: the higher, the worse.
    pub(in super::super) fn badness(&self) -> (u64, u64) {
        (self.attributable_ns(), self.stall.duration_ns)
    }

    /// Whether the machine, not the code, is to blame: nobody is accused without evidence where there is another suspect.
    #[must_use]
    pub fn blames_host(&self) -> bool {
        self.stall.cause == Cause::Host || (!self.ongoing && self.stall.lacks_evidence())
    }

    /// Whether it is a stall only by what the code allows itself.
    pub(in super::super) fn is_allowed(&self, header: &Header) -> bool {
        self.stall.is_allowed(header.threshold_ns)
    }

    /// Whether it is only probable that it was one poll, or a stall at all, since its names were never found: it is told, and
    /// breaches no threshold.
    #[must_use]
    pub fn is_probable(&self) -> bool {
        self.stall.is_probable()
    }
}

/// The stalls of one process.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Stalls {
    /// Shared with the copies of the history that a dashboard keeps: few of them change any more.
    records: BTreeMap<u64, Arc<StallRecord>>,
    folded: BTreeMap<Subject, Groups>,
    folded_hosts: HostTimes,
    folded_shift: Shift,
}

/// Times in which the machine did not run a thread, and that no pause tells of.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct HostTimes {
    pub(in super::super) count: u64,
    pub(in super::super) max_ns: u64,
    pub(in super::super) total_ns: u64,
    /// When the first of them began, in nanoseconds since the start; none before there is one.
    pub(in super::super) first_ns: Option<u64>,
}

impl HostTimes {
    pub(in super::super) fn note(&mut self, start_ns: u64, length_ns: u64) {
        self.count += 1;
        self.max_ns = self.max_ns.max(length_ns);
        self.total_ns = self.total_ns.saturating_add(length_ns);
        self.first_ns = Some(self.first_ns.map_or(start_ns, |first_ns| first_ns.min(start_ns)));
    }

    pub(in super::super) fn add(&mut self, others: Self) {
        self.count += others.count;
        self.max_ns = self.max_ns.max(others.max_ns);
        self.total_ns = self.total_ns.saturating_add(others.total_ns);
        self.first_ns = self.first_ns.into_iter().chain(others.first_ns).min();
    }
}

impl Stalls {
    pub(super) fn apply(&mut self, header: &Header, pauses: &Pauses, mut stall: Stall) {
        if stall.phase == Phase::Dismissed {
            self.records.remove(&stall.id);
            return;
        }
        let again = self.records.get(&stall.id).is_some_and(|known| known.stall.at_ns == stall.at_ns);
        let record = Arc::make_mut(self.records.entry(stall.id).or_default());
        if again && stall.phase != Phase::End {
            // It names what was told without names: that it has gone on since is known from snapshots.
            let (known, ongoing) = (&record.stall, record.ongoing);
            stall.duration_ns = stall.duration_ns.max(known.duration_ns);
            stall.attributable_ns = stall.attributable_ns.max(known.attributable_ns);
            record.ongoing = ongoing;
        } else {
            record.ongoing = stall.phase != Phase::End;
        }
        let earlier = record.stall.stack.take();
        let is_allowed = stall.is_allowed(header.threshold_ns);
        // Where the rest is a stall of its own, it is not the allowed part that is to blame.
        stall.stack = Stack::more_telling(earlier, stall.stack).filter(|stack| is_allowed || !stack.allowed);
        if matches!(stall.owner, Owner::Task | Owner::Unknown) {
            stall.task = stall.task.or_else(|| record.stall.task.take());
        }
        record.stall = stall;
        if self.records.len() > LIMIT {
            self.fold(header, pauses);
        }
    }

    /// Takes in stalls that are told together.
    pub(super) fn take_earlier(&mut self, header: &Header, earlier: Earlier) {
        for mut told in earlier.stalls {
            let worst = std::mem::take(&mut told.worst);
            let record = Arc::new(StallRecord { stall: worst, ongoing: false });
            if record.blames_host() {
                self.folded_hosts.add(HostTimes {
                    count: told.count,
                    max_ns: record.stall.duration_ns,
                    total_ns: told.duration_ns,
                    first_ns: Some(told.first_ns),
                });
            }
            self.folded_with(&record).fold_earlier(header, &record, &told);
        }
    }

    /// A stall that a thread is still in has lasted until then; its own lines come at 1, 2, 4, … thresholds only. One that
    /// its thread is no longer in is over, though no line said so: a reader that does not keep up loses lines.
    pub(super) fn advance(&mut self, snapshot: &Snapshot) {
        let stalls = snapshot
            .workers
            .iter()
            .filter_map(|worker| worker.stall.or_else(|| self.draft_of(worker, snapshot.at_ns)));
        for id in stalls.collect::<Vec<_>>() {
            if let Some(record) = self.records.get_mut(&id).filter(|record| record.stall.phase != Phase::End)
            {
                let record = Arc::make_mut(record);
                let age = snapshot.at_ns.saturating_sub(record.stall.started_ns);
                let grown = age.saturating_sub(record.stall.duration_ns);
                record.stall.duration_ns += grown;
                match &mut record.stall.allowed {
                    Some(allowed) if allowed.ongoing => allowed.ns = allowed.ns.saturating_add(grown),
                    _ => record.stall.attributable_ns = record.stall.attributable_ns.saturating_add(grown),
                }
                record.ongoing = true;
            }
        }
        let told_before =
            |record: &&mut Arc<StallRecord>| record.ongoing && record.stall.at_ns < snapshot.at_ns;
        for record in self.records.values_mut().filter(told_before) {
            let now = snapshot.workers.iter().find(|worker| worker.tid == record.stall.thread.tid);
            let ongoing = now.is_none_or(|worker| is_in(worker, &record.stall, snapshot.at_ns));
            Arc::make_mut(record).ongoing = ongoing;
        }
    }

    /// The stall without names that a worker is still in.
    fn draft_of(&self, worker: &Worker, now_ns: u64) -> Option<u64> {
        worker.polling.as_ref()?;
        let stalls = self.records.values().map(|record| &record.stall);
        let mut drafts = stalls.filter(|stall| stall.draft && stall.thread.tid == worker.tid);
        drafts.find(|stall| is_in(worker, stall, now_ns)).map(|stall| stall.id)
    }

    /// Those of a runtime that went on between these times.
    pub(super) fn between(&self, runtime: u64, from_ns: u64, to_ns: u64) -> Vec<u64> {
        let overlaps = |record: &&Arc<StallRecord>| {
            let stall = &record.stall;
            let over = !record.ongoing && stall.started_ns.saturating_add(stall.duration_ns) <= from_ns;
            stall.thread.runtime == runtime && stall.started_ns < to_ns && !over
        };
        self.records.values().filter(overlaps).map(|record| record.stall.id).collect()
    }

    pub(in super::super) fn records(&self) -> impl DoubleEndedIterator<Item = &StallRecord> + Clone {
        self.records.values().map(Arc::as_ref)
    }

    pub(in super::super) fn get(&self, id: u64) -> Option<&StallRecord> {
        self.records.get(&id).map(Arc::as_ref)
    }

    /// The same, to be kept.
    pub(in super::super) fn shared(&self, id: u64) -> Option<&Arc<StallRecord>> {
        self.records.get(&id)
    }

    /// All stalls by culprit, the folded ones among them.
    pub(in super::super) fn groups(&self, header: &Header) -> Groups {
        let mut groups = Groups::default();
        self.folded.values().for_each(|folded| groups.extend(folded.clone()));
        for record in self.records.values() {
            groups.note(header, record);
        }
        groups
    }

    /// Those of them that are chosen, by what is common to them and the stall: of those that are no longer kept one by one it
    /// is the worst of their culprit, and an unknown one of those whose culprits are not told apart.
    pub(in super::super) fn chosen(
        &self,
        header: &Header,
        takes: impl Fn(&Subject, &StallRecord) -> bool,
    ) -> (Groups, Lengths) {
        let (mut groups, mut lengths) = (Groups::default(), Lengths::default());
        let mixed = StallRecord::default();
        for (subject, folded) in &self.folded {
            let folded = folded.clone().filter(|group| {
                !group.worst.is_allowed(header)
                    && takes(subject, if group.culprit.is_known() { &group.worst } else { &mixed })
            });
            folded.iter().for_each(|group| lengths.merge(&group.lengths));
            groups.extend(folded);
        }
        let chosen =
            |record: &&Arc<StallRecord>| !record.is_allowed(header) && takes(&Subject::of(record), record);
        for record in self.records.values().filter(chosen) {
            groups.note(header, record);
            lengths.note(record);
        }
        (groups, lengths)
    }

    /// What the stalls can be told apart by.
    pub(in super::super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let kept = self.records.values().map(|record| Subject::of(record));
        self.folded.keys().cloned().chain(kept)
    }

    /// Those that are no longer kept, by culprit.
    #[cfg(feature = "report")]
    pub(in super::super) fn folded(&self) -> impl Iterator<Item = &Group> {
        self.folded.values().flat_map(Groups::iter)
    }

    /// How many there were.
    pub(in super::super) fn count(&self) -> u64 {
        self.records.len() as u64
            + self.folded.values().flat_map(Groups::iter).map(|group| group.sums.count).sum::<u64>()
    }

    /// What to change in the poll histogram to leave the host's part out, and the stalls that are excused. Of those that are no
    /// longer kept one by one only what the code allows itself is.
    pub(in super::super) fn shift(&self, is_excused: impl Fn(&StallRecord) -> bool) -> Shift {
        let mut shift = self.folded_shift.clone();
        for record in self.records.values() {
            shift_polls(&mut shift, record, is_excused(record));
        }
        shift
    }

    /// The host's among those that are no longer kept.
    pub(in super::super) fn folded_hosts(&self) -> HostTimes {
        self.folded_hosts
    }

    fn fold(&mut self, header: &Header, pauses: &Pauses) {
        let older = self.records.len().saturating_sub(NEWEST);
        let mut ids: Vec<_> = self
            .records
            .values()
            .take(older)
            .map(|record| (record.ongoing, record.attributable_ns(), record.stall.id))
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        for (_, _, id) in ids.into_iter().skip(WORST) {
            if let Some(record) = self.records.remove(&id) {
                shift_polls(&mut self.folded_shift, &record, false);
                if record.blames_host() && !pauses.overlap(header, &record) {
                    self.folded_hosts.note(record.stall.started_ns, record.stall.duration_ns);
                }
                self.folded_with(&record).fold(header, &record);
            }
        }
    }

    /// Where stalls of its subject are counted.
    fn folded_with(&mut self, record: &StallRecord) -> &mut Groups {
        let mut subject = Subject::of(record);
        if self.folded.len() >= SUBJECTS && !self.folded.contains_key(&subject) {
            subject = Subject::default();
        }
        self.folded.entry(subject).or_default()
    }
}

/// Whether a worker is still in a stall. One that was told of before its stack had names is not marked as a stall yet: the
/// same poll it is as long as it began before the stall was last told of.
fn is_in(worker: &Worker, stall: &Stall, now_ns: u64) -> bool {
    let began_ns = worker.polling.as_ref().map(|polling| now_ns.saturating_sub(polling.for_ns));
    worker.stall == Some(stall.id) || began_ns.is_some_and(|began_ns| began_ns <= stall.at_ns)
}

fn shift_polls(shift: &mut Shift, record: &StallRecord, is_excused: bool) {
    let (duration_ns, outside_ns) = (record.stall.duration_ns, record.stall.outside_ns());
    if record.ongoing {
        shift.add(duration_ns, duration_ns);
    }
    if is_excused {
        return shift.excuse(duration_ns, None);
    }
    if outside_ns < duration_ns {
        shift.excuse(duration_ns, Some(outside_ns));
    }
    shift.shift(outside_ns, record.attributable_ns());
}
