use super::culprit::{Culprit, Key};
use super::history::StallRecord;
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
    /// Requests that waited, by route.
    routes: BTreeMap<String, u64>,
}

impl Group {
    fn new(culprit: Culprit, worst: &Arc<StallRecord>, sums: Sums) -> Self {
        let mut group = Self { culprit, worst: Arc::clone(worst), sums, routes: BTreeMap::new() };
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
        Self {
            count: 1,
            over: u64::from(Kind::of(record) == Kind::Blamed && attributable_ns >= header.threshold_ns),
            max_ns: stall.duration_ns,
            total_ns: stall.duration_ns,
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
}

impl Kind {
    fn of(record: &StallRecord) -> Self {
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
        self.add(header, record, Sums::of(header, record));
    }

    /// Counts stalls that are told together.
    pub(super) fn note_earlier(&mut self, header: &Header, earlier: EarlierStalls) {
        let EarlierStalls { worst, count, over, duration_ns, attributable_ns, delay_ns, first_ns } = earlier;
        let record = Arc::new(StallRecord { stall: worst, ongoing: false });
        let one = Sums::of(header, &record);
        let sums = Sums {
            count,
            over: if Kind::of(&record) == Kind::Blamed { over } else { 0 },
            total_ns: duration_ns,
            attributable_total_ns: if record.blames_host() { 0 } else { attributable_ns },
            delay_ns,
            first_unix_ns: header.started_unix_ns.saturating_add(first_ns),
            ..one
        };
        self.add(header, &record, sums);
    }

    fn add(&mut self, header: &Header, record: &Arc<StallRecord>, sums: Sums) {
        let mut culprit = Culprit::of(record);
        let mut key = (Kind::of(record), Key::new(header, &culprit));
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
            }
            Entry::Vacant(new) => {
                new.insert(Group::new(culprit, record, sums));
            }
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
                    let Group { culprit, worst, sums, routes } = group;
                    let known = known.into_mut();
                    known.sums.merge(sums);
                    known.count_routes(routes);
                    known.blame(&worst, || (culprit, Arc::clone(&worst)));
                }
                Entry::Vacant(new) => {
                    new.insert(group);
                }
            }
        }
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

    /// Those that are known to be stalls, whoever answers for them.
    pub(super) fn certain(&self) -> impl Iterator<Item = &Group> {
        self.blamed().chain(self.of(Kind::Host))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Group> {
        self.0.iter().filter(move |((known, _), _)| *known == kind).map(|(_, group)| group)
    }
}
