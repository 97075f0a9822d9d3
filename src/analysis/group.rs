use super::culprit::{Culprit, Key};
use super::history::{Lengths, StallRecord};
use stallscope_wire::{EarlierStalls, Header, RouteVictims};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// More culprits than this are counted as one, so that a process which invents them costs no memory.
const LIMIT: usize = 1024;

/// Routes that are counted behind one culprit, and those that are told.
const ROUTES: usize = 64;
const TOLD_ROUTES: usize = 8;

/// The stalls of one culprit.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) culprit: Culprit,
    /// The one with the longest attributable time.
    pub(super) worst: Arc<StallRecord>,
    pub(super) sums: Sums,
    /// Of those that are no longer kept one by one.
    pub(super) lengths: Lengths,
    /// Requests that waited, by route.
    routes: BTreeMap<String, u64>,
}

impl Group {
    fn new(culprit: Culprit, worst: &Arc<StallRecord>, sums: Sums) -> Self {
        let (lengths, routes) = (Lengths::default(), BTreeMap::new());
        let mut group = Self { culprit, worst: Arc::clone(worst), sums, lengths, routes };
        let routes = worst.stall.victims.routes.iter();
        group.count_routes(routes.map(|victims| (victims.route.clone(), victims.requests)));
        group
    }

    fn count_routes(&mut self, routes: impl IntoIterator<Item = (String, u64)>) {
        for (route, requests) in routes {
            let room = self.routes.len() < ROUTES;
            match self.routes.entry(route) {
                Entry::Occupied(mut count) => *count.get_mut() = count.get().saturating_add(requests),
                Entry::Vacant(new) if room => drop(new.insert(requests)),
                Entry::Vacant(_) => {}
            }
        }
    }

    /// The routes of the requests that waited, most first.
    pub(super) fn routes(&self) -> Vec<RouteVictims> {
        let victims = |(route, &requests): (&String, &u64)| RouteVictims { route: route.clone(), requests };
        let mut routes: Vec<_> = self.routes.iter().map(victims).collect();
        routes.sort_by_key(|victims| std::cmp::Reverse(victims.requests));
        routes.truncate(TOLD_ROUTES);
        routes
    }

    /// The longest time that the code answers for.
    pub(super) fn attributable_max_ns(&self) -> u64 {
        self.worst.attributable_ns()
    }

    fn blame(&mut self, record: &StallRecord, copy: impl FnOnce() -> (Culprit, Arc<StallRecord>)) {
        if record.badness() > self.worst.badness() {
            (self.culprit, self.worst) = copy();
        }
    }
}

/// What can be said of several stalls together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    pub(super) count: u64,
    /// Those whose attributable time alone is over the threshold.
    pub(super) over: u64,
    /// Those that were told together, so that the length of each is not known.
    pub(super) together: u64,
    pub(super) max_ns: u64,
    pub(super) total_ns: u64,
    pub(super) attributable_total_ns: u64,
    pub(super) ongoing: bool,
    /// The most that waited at one time: tasks, and sockets.
    pub(super) tasks: u64,
    pub(super) sockets: Option<u64>,
    pub(super) delay_ns: u64,
    pub(super) first_unix_ns: u64,
}

impl Sums {
    fn of(header: &Header, record: &StallRecord) -> Self {
        let (stall, attributable_ns) = (&record.stall, record.attributable_ns());
        let kind = Kind::of(header, record);
        let length_ns = if kind == Kind::Allowed { stall.duration_ns } else { stall.outside_ns() };
        Self {
            count: 1,
            over: u64::from(kind == Kind::Blamed && attributable_ns >= header.threshold_ns),
            together: 0,
            max_ns: length_ns,
            total_ns: length_ns,
            attributable_total_ns: attributable_ns,
            ongoing: record.ongoing,
            tasks: stall.victims.tasks,
            sockets: stall.victims.sockets,
            delay_ns: stall.victims.delay_ns,
            first_unix_ns: header.started_unix_ns.saturating_add(stall.started_ns),
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.over += other.over;
        self.together += other.together;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.attributable_total_ns = self.attributable_total_ns.saturating_add(other.attributable_total_ns);
        self.ongoing |= other.ongoing;
        self.tasks = self.tasks.max(other.tasks);
        self.sockets = self.sockets.max(other.sockets);
        self.delay_ns = self.delay_ns.saturating_add(other.delay_ns);
        self.first_unix_ns = self.first_unix_ns.min(other.first_unix_ns);
    }
}

/// What a stall counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The code answers for it.
    Blamed,
    /// The code answers for it, if it is one.
    Probable,
    /// The host answers for it.
    Host,
    /// So it does, if it is one.
    ProbablyHost,
    /// The code allows itself so much of it that the rest is no stall.
    Allowed,
}

impl Kind {
    fn of(header: &Header, record: &StallRecord) -> Self {
        if record.is_allowed(header) {
            return Self::Allowed;
        }
        match (record.blames_host(), record.is_probable()) {
            (true, true) => Self::ProbablyHost,
            (true, false) => Self::Host,
            (false, true) => Self::Probable,
            (false, false) => Self::Blamed,
        }
    }
}

/// Stalls by culprit. Those that the host is to blame for stay apart, and so do those that are only probable.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(BTreeMap<(Kind, Key), Group>);

impl Groups {
    /// Counts a stall.
    pub(super) fn note(&mut self, header: &Header, record: &Arc<StallRecord>) {
        self.group_with(header, record, Sums::of(header, record));
    }

    /// Counts a stall that is not kept.
    pub(super) fn fold(&mut self, header: &Header, record: &Arc<StallRecord>) {
        self.group_with(header, record, Sums::of(header, record)).lengths.note(record);
    }

    /// Counts stalls that are told together, by the worst of them; one that is told alone is as any other.
    pub(super) fn fold_earlier(&mut self, header: &Header, record: &Arc<StallRecord>, told: &EarlierStalls) {
        if told.count == 1 {
            return self.fold(header, record);
        }
        let blamed = Kind::of(header, record) == Kind::Blamed;
        let sums = Sums {
            count: told.count,
            over: if blamed { told.over } else { 0 },
            together: told.count,
            total_ns: told.duration_ns,
            attributable_total_ns: if record.blames_host() { 0 } else { told.attributable_ns },
            delay_ns: told.delay_ns,
            first_unix_ns: header.started_unix_ns.saturating_add(told.first_ns),
            ..Sums::of(header, record)
        };
        self.group_with(header, record, sums);
    }

    fn group_with(&mut self, header: &Header, record: &Arc<StallRecord>, sums: Sums) -> &mut Group {
        let mut culprit = Culprit::of(record);
        let mut key = Self::key(header, record, &culprit);
        if self.is_full_for(&key) {
            (culprit, key.1) = (Culprit::default(), Key::default());
        }
        match self.0.entry(key) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.sums.merge(sums);
                let routes = record.stall.victims.routes.iter();
                known.count_routes(routes.map(|victims| (victims.route.clone(), victims.requests)));
                known.blame(record, || (culprit, Arc::clone(record)));
                known
            }
            Entry::Vacant(new) => new.insert(Group::new(culprit, record, sums)),
        }
    }

    /// Takes in groups that were counted elsewhere.
    pub(super) fn extend(&mut self, other: Self) {
        for (mut key, mut group) in other.0 {
            if self.is_full_for(&key) {
                (group.culprit, key.1) = (Culprit::default(), Key::default());
            }
            match self.0.entry(key) {
                Entry::Occupied(known) => {
                    let Group { culprit, worst, sums, lengths, routes } = group;
                    let known = known.into_mut();
                    known.sums.merge(sums);
                    known.lengths.merge(&lengths);
                    known.count_routes(routes);
                    known.blame(&worst, || (culprit, Arc::clone(&worst)));
                }
                Entry::Vacant(new) => {
                    new.insert(group);
                }
            }
        }
    }

    /// Those of them that are wanted.
    pub(super) fn filter(mut self, wanted: impl Fn(&Group) -> bool) -> Self {
        self.0.retain(|_, group| wanted(group));
        self
    }

    fn key(header: &Header, record: &StallRecord, culprit: &Culprit) -> (Kind, Key) {
        let (kind, key) =
            (Kind::of(header, record), Key::in_stack(header, culprit, record.stall.stack.as_ref()));
        (kind, if kind == Kind::Allowed { key.allowed_by(record) } else { key })
    }

    fn is_full_for(&self, key: &(Kind, Key)) -> bool {
        self.0.len() >= LIMIT && !self.0.contains_key(key)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.values()
    }

    /// Those that the code answers for.
    pub(super) fn blamed(&self) -> impl Iterator<Item = &Group> {
        self.of(Kind::Blamed)
    }

    /// Those that the code answers for, if they are stalls.
    pub(super) fn probable(&self) -> impl Iterator<Item = &Group> {
        self.of(Kind::Probable)
    }

    /// Those that the code allows itself.
    pub(super) fn allowed(&self) -> impl Iterator<Item = &Group> {
        self.of(Kind::Allowed)
    }

    /// Those that are known to be stalls, whoever answers for them.
    pub(super) fn certain(&self) -> impl Iterator<Item = &Group> {
        self.blamed().chain(self.of(Kind::Host))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Group> {
        self.0.iter().filter(move |((known, _), _)| *known == kind).map(|(_, group)| group)
    }
}
