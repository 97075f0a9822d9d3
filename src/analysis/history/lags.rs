use super::super::culprit::{Culprit, Key};
use super::super::measure::Shift;
use super::{StallRecord, Stalls};
use stallscope_wire::{Header, Lag, Snapshot};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many are kept; older ones live on in the counts of what explains them.
const LIMIT: usize = 4096;
/// Among so many of the newest is one that goes on looked for.
const RECENT: usize = 64;
/// More explanations than this are counted as one.
const EXPLANATIONS: usize = 1024;
/// A wait that no snapshot has counted for so long has ended: its last line would have come.
const SETTLED_NS: u64 = 1_000_000_000;
/// The most probes that one wait is taken to have kept from being sent.
const SKIPPED: usize = 10_000;

/// The waits over the limit of one process.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Lags {
    records: VecDeque<Lag>,
    folded: BTreeMap<Option<Key>, LagGroup>,
    folded_shift: Shift,
}

/// The waits that one culprit explains, or none.
#[derive(Debug, Clone)]
pub(in super::super) struct LagGroup {
    pub(in super::super) key: Option<Key>,
    /// The worst of the stalls that explain them; none: no single poll does.
    pub(in super::super) stall: Option<(Culprit, Arc<StallRecord>)>,
    pub(in super::super) count: u64,
    pub(in super::super) max_ns: u64,
    pub(in super::super) attributable_max_ns: u64,
    pub(in super::super) total_ns: u64,
    pub(in super::super) ongoing: bool,
    pub(in super::super) first_unix_ns: u64,
}

impl LagGroup {
    fn empty(key: Option<Key>) -> Self {
        Self {
            key,
            stall: None,
            count: 0,
            max_ns: 0,
            attributable_max_ns: 0,
            total_ns: 0,
            ongoing: false,
            first_unix_ns: u64::MAX,
        }
    }

    fn note(&mut self, header: &Header, lag: &Lag) {
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(lag.wait_ns);
        self.max_ns = self.max_ns.max(lag.wait_ns);
        self.attributable_max_ns = self.attributable_max_ns.max(lag.attributable_ns);
        self.ongoing |= lag.ongoing;
        self.first_unix_ns = self.first_unix_ns.min(header.started_unix_ns.saturating_add(start(lag)));
    }

    pub(in super::super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.attributable_max_ns = self.attributable_max_ns.max(other.attributable_max_ns);
        self.ongoing |= other.ongoing;
        self.first_unix_ns = self.first_unix_ns.min(other.first_unix_ns);
        if let Some((culprit, record)) = other.stall {
            self.blame(&record, || culprit);
        }
    }

    fn blame(&mut self, record: &Arc<StallRecord>, culprit: impl FnOnce() -> Culprit) {
        if self.stall.as_ref().is_none_or(|(_, known)| known.badness() < record.badness()) {
            self.stall = Some((culprit(), Arc::clone(record)));
        }
    }
}

impl Lags {
    pub(super) fn apply(&mut self, header: &Header, stalls: &Stalls, mut lag: Lag) {
        if lag.stalls.is_empty() {
            lag.stalls = stalls.between(lag.runtime, start(&lag), lag.at_ns);
        }
        let earlier = self.records.iter_mut().rev().find(|known| known.runtime == lag.runtime);
        if let Some(earlier) = earlier.filter(|known| known.ongoing && start(&lag) <= known.at_ns) {
            // The same wait, told again: what it waited behind meanwhile may have changed.
            let before = std::mem::take(&mut earlier.stalls);
            lag.stalls.extend(before);
            lag.stalls.sort_unstable();
            lag.stalls.dedup();
            *earlier = lag;
            return;
        }
        self.records.push_back(lag);
        if self.records.len() > LIMIT
            && let Some(oldest) = self.records.pop_front()
        {
            shift(&mut self.folded_shift, header, &oldest, allowed_ns(stalls, &oldest));
            if counts(header, stalls, &oldest) {
                note(&mut self.folded, header, stalls, &oldest);
            }
        }
    }

    /// A wait that the snapshot still counts has lasted until then; its own lines are few. One that it has not counted for
    /// a while is over, though no line said so: a reader that does not keep up loses lines.
    pub(super) fn advance(&mut self, snapshot: &Snapshot, header: &Header) {
        let longest = snapshot.lag.now_ns.unwrap_or(0).saturating_add(header.probe_interval_ns);
        for lag in self.records.iter_mut().rev().take(RECENT).filter(|lag| lag.ongoing) {
            let age = snapshot.at_ns.saturating_sub(start(lag));
            if age > lag.wait_ns && age <= longest {
                lag.attributable_ns = lag.attributable_ns.saturating_add(age - lag.wait_ns);
                lag.wait_ns = age;
                lag.at_ns = snapshot.at_ns;
            } else if snapshot.at_ns.saturating_sub(lag.at_ns) > SETTLED_NS {
                lag.ongoing = false;
            }
        }
    }

    pub(in super::super) fn records(&self) -> impl DoubleEndedIterator<Item = &Lag> + Clone {
        self.records.iter()
    }

    /// The waits that the code answers for, by what explains them.
    pub(in super::super) fn groups(
        &self,
        header: &Header,
        stalls: &Stalls,
    ) -> impl Iterator<Item = LagGroup> {
        let mut groups = self.folded.clone();
        for lag in self.records.iter().filter(|lag| counts(header, stalls, lag)) {
            note(&mut groups, header, stalls, lag);
        }
        groups.into_values()
    }

    /// What to change in the lag histogram to leave the host's part out, and the waits whose explanation is excused. Of those
    /// that are no longer kept only what has waited for what the code allows itself is.
    pub(in super::super) fn shift(
        &self,
        header: &Header,
        stalls: &Stalls,
        is_excused: impl Fn(Option<&StallRecord>) -> bool,
    ) -> Shift {
        let mut all = self.folded_shift.clone();
        for lag in &self.records {
            let by_others = explanation(stalls, lag);
            let by_others = by_others.map(|record| record.map(AsRef::as_ref));
            let excused_ns = match by_others {
                Some(Some(record)) if is_excused(Some(record)) => lag.wait_ns,
                None if is_excused(None) => lag.wait_ns,
                _ => allowed_ns(stalls, lag),
            };
            shift(&mut all, header, lag, excused_ns);
        }
        all
    }
}

fn note(groups: &mut BTreeMap<Option<Key>, LagGroup>, header: &Header, stalls: &Stalls, lag: &Lag) {
    let explanation = explanation(stalls, lag);
    let culprit = explanation.map(|record| record.map(|record| Culprit::of(record)).unwrap_or_default());
    let stack = explanation.flatten().and_then(|record| record.stall.stack.as_ref());
    let mut key = culprit.as_ref().map(|culprit| Key::in_stack(header, culprit, stack));
    if groups.len() >= EXPLANATIONS && !groups.contains_key(&key) {
        key = Some(Key::default());
    }
    let group = groups.entry(key.clone()).or_insert_with(|| LagGroup::empty(key));
    group.note(header, lag);
    if let (Some(culprit), Some(record)) = (culprit, explanation) {
        let unknown = Arc::default();
        group.blame(record.unwrap_or(&unknown), || culprit);
    }
}

fn start(lag: &Lag) -> u64 {
    lag.at_ns.saturating_sub(lag.wait_ns)
}

/// Whether the code alone is over the limit, without what it allows itself.
fn counts(header: &Header, stalls: &Stalls, lag: &Lag) -> bool {
    let attributable_ns = lag.attributable_ns.saturating_sub(allowed_ns(stalls, lag));
    attributable_ns > 0 && attributable_ns >= header.lag_limit_ns
}

/// How much of a wait surely lies in what the code allows itself: which part of a stall that is is not known, so that it may
/// have waited for all of the rest.
fn allowed_ns(stalls: &Stalls, lag: &Lag) -> u64 {
    let records = lag.stalls.iter().filter_map(|&id| stalls.get(id));
    let parts = records.filter_map(|record| {
        let (stall, allowed) = (&record.stall, record.stall.allowed.as_ref()?);
        let until = stall.started_ns.saturating_add(stall.duration_ns);
        let until = if record.ongoing { until.max(lag.at_ns) } else { until };
        let both_ns = until.min(lag.at_ns).saturating_sub(stall.started_ns.max(start(lag)));
        let rest_ns = until.saturating_sub(stall.started_ns).saturating_sub(allowed.ns);
        Some(both_ns.saturating_sub(rest_ns))
    });
    parts.max().unwrap_or(0)
}

/// The longest of the stalls that went on meanwhile; one that is no longer kept still explains the wait. None when no
/// stall does that the code answers for.
fn explanation<'a>(stalls: &'a Stalls, lag: &Lag) -> Option<Option<&'a Arc<StallRecord>>> {
    let known =
        lag.stalls.iter().filter_map(|&id| stalls.shared(id)).max_by_key(|record| record.attributable_ns());
    match known {
        Some(record) => (!record.blames_host()).then_some(Some(record)),
        None => (!lag.stalls.is_empty()).then_some(None),
    }
}

/// A late probe is recorded with its own wait and with those of the probes that it kept from being sent.
fn shift(shift: &mut Shift, header: &Header, lag: &Lag, excused_ns: u64) {
    let host = lag.wait_ns.saturating_sub(lag.attributable_ns);
    if host == 0 && excused_ns == 0 && !lag.ongoing {
        return;
    }
    let interval = if header.probe_interval_ns == 0 { u64::MAX } else { header.probe_interval_ns };
    let most = lag.wait_ns.saturating_sub(excused_ns);
    let waits =
        std::iter::successors(Some(lag.wait_ns), |wait| wait.checked_sub(interval).filter(|&wait| wait > 0));
    for wait in waits.take(SKIPPED) {
        if lag.ongoing {
            shift.add(wait, wait);
        }
        let left = wait.min(most);
        if left < wait {
            shift.excuse(wait, Some(left).filter(|&left| left > 0));
        }
        shift.shift(left, left.saturating_sub(host));
    }
}
