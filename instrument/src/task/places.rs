//! What is known of our tasks by the line that spawned them, in a table of fixed size.

use super::failure::cut;
use crate::clock::ticks_to_ns;
use crate::recorder::Counts;
use stallscope_wire::{Histogram, Waits};
use std::cell::Cell;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Locations that can be told apart. A power of two.
const ROWS: usize = 512;
/// How many rows are tried for a location.
const PROBES: usize = 16;
/// Counters of one location: threads share them only when there are more.
const STRIPES: usize = 8;
/// Bytes of a name that are kept.
const NAME: usize = 64;

/// Tokio itself tells what tasks wait from wake to poll; then that is not booked here too.
const TOKIO_TELLS: bool = false;

static KEYS: [Key; ROWS] = [const { Key { location: OnceLock::new(), name: OnceLock::new() } }; ROWS];
static COUNTERS: [[Counters; ROWS]; STRIPES] = [const { [const { Counters::new() }; ROWS] }; STRIPES];
static SCHEDULE: [Counts; STRIPES] = [const { Counts::new() }; STRIPES];
/// Tasks whose location found no room.
static UNPLACED: AtomicU64 = AtomicU64::new(0);
/// No hook of tokio's counts tasks.
static COUNTS_TASKS: AtomicBool = AtomicBool::new(false);

struct Key {
    location: OnceLock<&'static Location<'static>>,
    name: OnceLock<Box<str>>,
}

#[repr(align(128))]
struct Counters {
    spawned: AtomicU64,
    finished: AtomicU64,
    first_poll: Sum,
    schedule: Sum,
    self_wakes: AtomicU64,
}

impl Counters {
    const fn new() -> Self {
        Self {
            spawned: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            first_poll: Sum::new(),
            schedule: Sum::new(),
            self_wakes: AtomicU64::new(0),
        }
    }
}

/// Times in ticks.
struct Sum {
    count: AtomicU64,
    total: AtomicU64,
    max: AtomicU64,
}

impl Sum {
    const fn new() -> Self {
        Self { count: AtomicU64::new(0), total: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    fn add(&self, ticks: u64) {
        self.count.fetch_add(1, Relaxed);
        self.total.fetch_add(ticks, Relaxed);
        if ticks > self.max.load(Relaxed) {
            self.max.fetch_max(ticks, Relaxed);
        }
    }

    fn read(&self) -> Waits {
        Waits {
            count: self.count.load(Relaxed),
            total_ns: ticks_to_ns(self.total.load(Relaxed)),
            max_ns: ticks_to_ns(self.max.load(Relaxed)),
        }
    }
}

/// The row of a location, if it found room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Option<u16>);

impl Place {
    pub(super) fn of(location: &'static Location<'static>) -> Self {
        let hash = (ptr::from_ref(location).addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let first = (hash >> (64 - ROWS.ilog2())) as usize;
        let mut rows = (0..PROBES).map(|probe| (first + probe) & (ROWS - 1));
        let found = rows.find(|&row| ptr::eq(*KEYS[row].location.get_or_init(|| location), location));
        if found.is_none() {
            UNPLACED.fetch_add(1, Relaxed);
        }
        Self(found.map(|row| row as u16))
    }

    /// A name that was given to a task from there; the first one holds.
    pub(super) fn name(self, name: &str) {
        if let Some(row) = self.0 {
            KEYS[usize::from(row)].name.get_or_init(|| cut(name, NAME).into());
        }
    }

    pub(super) fn count_spawned(self) {
        self.count_task(|counters| &counters.spawned);
    }

    pub(super) fn count_finished(self) {
        self.count_task(|counters| &counters.finished);
    }

    fn count_task(self, which: impl FnOnce(&'static Counters) -> &'static AtomicU64) {
        if COUNTS_TASKS.load(Relaxed)
            && let Some(counters) = self.counters()
        {
            which(counters).fetch_add(1, Relaxed);
        }
    }

    pub(super) fn count_first_poll(self, ticks: u64) {
        if COUNTS_TASKS.load(Relaxed)
            && let Some(counters) = self.counters()
        {
            counters.first_poll.add(ticks);
        }
    }

    #[inline]
    pub(super) fn count_schedule(self, ticks: u64) {
        if TOKIO_TELLS {
            return;
        }
        SCHEDULE[stripe()].record(ticks);
        if let Some(counters) = self.counters() {
            counters.schedule.add(ticks);
        }
    }

    pub(super) fn count_self_wake(self) {
        if let Some(counters) = self.counters() {
            counters.self_wakes.fetch_add(1, Relaxed);
        }
    }

    fn counters(self) -> Option<&'static Counters> {
        self.0.map(|row| &COUNTERS[stripe()][usize::from(row)])
    }
}

/// The counters that the thread uses.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    let mine = || {
        MINE.try_with(|mine| {
            if mine.get() == usize::MAX {
                mine.set(NEXT.fetch_add(1, Relaxed) % STRIPES);
            }
            mine.get()
        })
    };
    mine().unwrap_or(0)
}

/// Says that no hook of tokio's tells of tasks, so that spawns and ends are counted here.
pub(crate) fn count_tasks() {
    COUNTS_TASKS.store(true, Relaxed);
}

/// Tasks whose line found no room in the table.
pub(crate) fn unplaced() -> u64 {
    UNPLACED.load(Relaxed)
}

/// What all of them waited from wake to poll.
fn schedule() -> Histogram {
    let mut whole = Histogram::default();
    for stripe in &SCHEDULE {
        let buckets = stripe.read().map(|(ticks, count)| (ticks_to_ns(ticks), count)).collect();
        whole.merge(&Histogram { buckets, ..Histogram::default() });
    }
    whole
}

/// Adds what is known here to the state of the runtimes.
pub(crate) fn add_to(snapshot: &mut stallscope_wire::Snapshot) {
    let mut schedule = schedule();
    for (row, key) in KEYS.iter().enumerate() {
        let Some(location) = key.location.get() else { continue };
        let mut known = stallscope_wire::Location::default();
        for counters in COUNTERS.iter().map(|stripe| &stripe[row]) {
            known.spawned += counters.spawned.load(Relaxed);
            known.finished += counters.finished.load(Relaxed);
            known.first_poll.merge(&counters.first_poll.read());
            known.schedule.merge(&counters.schedule.read());
            known.self_wakes += counters.self_wakes.load(Relaxed);
        }
        schedule.sum_ns = schedule.sum_ns.saturating_add(known.schedule.total_ns);
        schedule.max_ns = schedule.max_ns.max(known.schedule.max_ns);
        known.name = key.name.get().map(|name| name.to_string());
        merge(&mut snapshot.locations, location.to_string(), known);
    }
    snapshot.schedule.merge(&schedule);
}

/// Two compilation units may hold one location twice; and the hooks may know it too.
fn merge(
    locations: &mut Vec<stallscope_wire::Location>,
    spawned_at: String,
    known: stallscope_wire::Location,
) {
    let Some(location) = locations.iter_mut().find(|location| location.spawned_at == spawned_at) else {
        return locations.push(stallscope_wire::Location { spawned_at, ..known });
    };
    location.spawned += known.spawned;
    location.finished += known.finished;
    location.first_poll.merge(&known.first_poll);
    location.schedule.merge(&known.schedule);
    location.self_wakes += known.self_wakes;
    location.name = location.name.take().or(known.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_keeps_its_row_and_its_name() {
        let here = Location::caller();
        let (first, second) = (Place::of(here), Place::of(here));
        assert_eq!(first.0, second.0);
        first.name("first");
        second.name("second");
        second.count_self_wake();
        second.count_schedule(1);
        let mut snapshot = stallscope_wire::Snapshot::default();
        add_to(&mut snapshot);
        let place = here.to_string();
        let [location] =
            &snapshot.locations.iter().filter(|known| known.spawned_at == place).collect::<Vec<_>>()[..]
        else {
            panic!("one row: {snapshot:#?}")
        };
        assert_eq!(
            (location.name.as_deref(), location.self_wakes, location.schedule.count),
            (Some("first"), 1, 1)
        );
    }
}
