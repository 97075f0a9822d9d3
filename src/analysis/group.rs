use super::culprit::{Culprit, Key};
use super::history::StallRecord;
use stallscope_wire::{Header, Victims};
use std::collections::BTreeMap;

/// More culprits than this are counted as one, so that a process which invents them costs no memory.
const LIMIT: usize = 1024;

/// The stalls of one culprit.
#[derive(Debug, Clone)]
pub(super) struct Group {
    key: Key,
    pub(super) culprit: Culprit,
    /// The one with the longest attributable time.
    pub(super) worst: StallRecord,
    pub(super) count: u64,
    /// Those whose attributable time alone is over the threshold.
    pub(super) over: u64,
    pub(super) max_ns: u64,
    pub(super) total_ns: u64,
    pub(super) attributable_total_ns: u64,
    pub(super) ongoing: bool,
    pub(super) victims: Victims,
    pub(super) first_unix_ns: u64,
    pub(super) threshold_ns: u64,
}

impl Group {
    pub(super) fn of(header: &Header, record: &StallRecord) -> Self {
        let culprit = Culprit::of(record);
        let (stall, attributable_ns) = (&record.stall, record.attributable_ns());
        Self {
            key: Key::new(header, &culprit),
            culprit,
            worst: record.clone(),
            count: 1,
            over: u64::from(!record.blames_host() && attributable_ns >= header.threshold_ns),
            max_ns: stall.duration_ns,
            total_ns: stall.duration_ns,
            attributable_total_ns: attributable_ns,
            ongoing: record.ongoing,
            victims: stall.victims.clone(),
            first_unix_ns: header.started_unix_ns.saturating_add(stall.started_ns),
            threshold_ns: header.threshold_ns,
        }
    }

    pub(super) fn attributable_max_ns(&self) -> u64 {
        self.worst.attributable_ns()
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.over += other.over;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.attributable_total_ns = self.attributable_total_ns.saturating_add(other.attributable_total_ns);
        self.ongoing |= other.ongoing;
        self.victims.tasks = self.victims.tasks.max(other.victims.tasks);
        self.victims.delay_ns = self.victims.delay_ns.saturating_add(other.victims.delay_ns);
        self.first_unix_ns = self.first_unix_ns.min(other.first_unix_ns);
        self.threshold_ns = self.threshold_ns.min(other.threshold_ns);
        let badness = |record: &StallRecord| (record.attributable_ns(), record.stall.duration_ns);
        if badness(&other.worst) > badness(&self.worst) {
            self.worst = other.worst;
            self.culprit = other.culprit;
        }
    }
}

/// Stalls by culprit. Those that the host is to blame for stay apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(BTreeMap<(bool, Key), Group>);

impl Groups {
    pub(super) fn add(&mut self, mut group: Group) {
        let host = group.worst.blames_host();
        if self.0.len() >= LIMIT && !self.0.contains_key(&(host, group.key.clone())) {
            group.culprit = Culprit::default();
            group.key = Key::new(&Header::default(), &group.culprit);
        }
        match self.0.entry((host, group.key.clone())) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().merge(group),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(group);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.values()
    }

    pub(super) fn into_groups(self) -> impl Iterator<Item = Group> {
        self.0.into_values()
    }
}
