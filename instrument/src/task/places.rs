//! What is known of our tasks by the line that spawned them, under the numbers that the recorder gives these lines.

use super::failure::cut;
use crate::clock::ticks_to_ns;
use crate::recorder::{self, Counts, ROOM};
use stallscope_wire::{Histogram, Snapshot, Waits};
use std::cell::Cell;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Counters of one location: threads share them only when there are more.
const STRIPES: usize = 8;
/// Bytes of a name that are kept.
const NAME: usize = 64;

/// Tokio itself tells what tasks wait from wake to poll; then that is not booked here too.
const TOKIO_TELLS: bool = cfg!(all(tokio_unstable, feature = "schedule-latency"));

static NAMES: [OnceLock<Box<str>>; ROOM] = [const { OnceLock::new() }; ROOM];
static COUNTERS: [[Counters; ROOM + 1]; STRIPES] = [const { [const { Counters::new() }; ROOM + 1] }; STRIPES];
static SCHEDULE: [Counts; STRIPES] = [const { Counts::new() }; STRIPES];
/// No hook of tokio's counts tasks.
static COUNTS_TASKS: AtomicBool = AtomicBool::new(false);

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

/// The number of a location, as the recorder gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(u16);

impl Place {
    pub(super) fn of(location: &'static Location<'static>) -> Self {
        Self(recorder::number_of(location) as u16)
    }

    /// A name that was given to a task from there; the first one holds.
    pub(super) fn name(self, name: &str) {
        if let Some(known) = NAMES.get(usize::from(self.0)) {
            known.get_or_init(|| cut(name, NAME).into());
        }
    }

    pub(super) fn count_spawned(self) {
        self.counters().spawned.fetch_add(1, Relaxed);
    }

    pub(super) fn count_finished(self) {
        self.counters().finished.fetch_add(1, Relaxed);
    }

    pub(super) fn count_first_poll(self, ticks: u64) {
        self.counters().first_poll.add(ticks);
    }

    #[inline]
    pub(super) fn count_schedule(self, ticks: u64) {
        if !TOKIO_TELLS {
            SCHEDULE[stripe()].record(ticks);
            self.counters().schedule.add(ticks);
        }
    }

    pub(super) fn count_self_wake(self) {
        self.counters().self_wakes.fetch_add(1, Relaxed);
    }

    fn counters(self) -> &'static Counters {
        &COUNTERS[stripe()][usize::from(self.0).min(ROOM)]
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

/// Whether spawns and ends are counted here.
pub(super) fn counts_tasks() -> bool {
    COUNTS_TASKS.load(Relaxed)
}

/// Tasks that are counted here and whose line found no room.
pub(crate) fn unplaced() -> u64 {
    COUNTERS.iter().map(|stripe| stripe[ROOM].spawned.load(Relaxed)).sum()
}

/// How often all of them waited from wake to poll, by how long.
fn schedule() -> Histogram {
    let mut whole = Histogram::default();
    for stripe in &SCHEDULE {
        let buckets = stripe.read().map(|(ticks, count)| (ticks_to_ns(ticks), count)).collect();
        whole.merge(&Histogram { buckets, ..Histogram::default() });
    }
    whole
}

/// What the tasks of one line waited.
fn waits_of(number: usize) -> Waits {
    let mut waits = Waits::default();
    COUNTERS.iter().for_each(|stripe| waits.merge(&stripe[number].schedule.read()));
    waits
}

/// Adds what is known here to the state of the runtimes; with `locations`, to what it tells of those.
pub(crate) fn add_to(snapshot: &mut Snapshot, locations: bool) {
    let mut schedule = schedule();
    for waits in (0..=ROOM).map(waits_of) {
        schedule.sum_ns = schedule.sum_ns.saturating_add(waits.total_ns);
        schedule.max_ns = schedule.max_ns.max(waits.max_ns);
    }
    snapshot.schedule.merge(&schedule);
    for (location, number) in recorder::numbered().filter(|_| locations) {
        let mut known = stallscope_wire::Location { schedule: waits_of(number), ..Default::default() };
        for counters in COUNTERS.iter().map(|stripe| &stripe[number]) {
            known.spawned += counters.spawned.load(Relaxed);
            known.finished += counters.finished.load(Relaxed);
            known.first_poll.merge(&counters.first_poll.read());
            known.self_wakes += counters.self_wakes.load(Relaxed);
        }
        known.name = NAMES[number].get().map(ToString::to_string);
        if known != stallscope_wire::Location::default() {
            merge(&mut snapshot.locations, location.to_string(), known);
        }
    }
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
    // Where one runtime is watched by hooks and another from outside, the hooks' are not added to: ours are of both.
    location.spawned = location.spawned.max(known.spawned);
    location.finished = location.finished.max(known.finished);
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
        assert!(first.0 == second.0 && usize::from(first.0) < ROOM);
        first.name("first");
        second.name("second");
        second.count_self_wake();
        second.count_schedule(1);
        let mut snapshot = Snapshot::default();
        add_to(&mut snapshot, true);
        let place = here.to_string();
        let [location] =
            &snapshot.locations.iter().filter(|known| known.spawned_at == place).collect::<Vec<_>>()[..]
        else {
            panic!("one row: {snapshot:#?}")
        };
        let scheduled = u64::from(!TOKIO_TELLS);
        assert_eq!(
            (location.name.as_deref(), location.self_wakes, location.schedule.count),
            (Some("first"), 1, scheduled)
        );
    }
}
