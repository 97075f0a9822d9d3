//! The tasks that are spawned and have not been polled yet.

use super::locations::OTHER;
use super::sync::{self, AtomicU64, process_wide};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Tasks that may be fresh at one time. A power of two.
const SLOTS: usize = sync::size(8192, 2);
/// From the lowest bits of a note upwards: those of the location's number, of the probe, and of the check.
const NUMBER_BITS: u32 = 10;
const PROBE_BITS: u32 = 10;
const CHECK_BITS: u32 = 8;
const LAST_PROBE: u32 = (1 << PROBE_BITS) - 1;
const LAST_CHECK: u64 = (1 << CHECK_BITS) - 1;
/// Behind these is the task's tag.
const TAG_FROM: u32 = NUMBER_BITS + PROBE_BITS + CHECK_BITS;

process_wide!(FRESH: Fresh = Fresh::new());

/// The table of this process.
#[inline]
pub(crate) fn fresh() -> &'static Fresh {
    &FRESH
}

/// A task that waits for its first poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FreshTask {
    /// Its id, as [`super::task_bits`] makes it.
    pub(crate) task: u64,
    /// When it was spawned, in ticks; none when that was not timed.
    pub(crate) spawned: Option<u64>,
    /// The number of its spawn location.
    pub(crate) number: usize,
    /// The low bits of the number under which its runtime's threads record.
    probe: u32,
}

impl FreshTask {
    /// Whether threads that record under this number may poll it.
    pub(crate) fn is_of(&self, probe: u32) -> bool {
        self.probe == probe & LAST_PROBE
    }
}

/// A slot for each task, found by its id, in which the first of several tasks stays. Written by the thread that spawns while it
/// is free, and by the one that polls the task or ends it afterwards.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// All that most tasks write and read: see [`note`]; 0 while the slot is free.
    notes: [AtomicU64; SLOTS],
    /// When the task was spawned that is timed. Two threads that find a slot free at one time both write here, and so a note
    /// has some of the bits, to tell its own time by.
    spawned: [AtomicU64; SLOTS],
    /// Written by anybody: tasks that found their slot taken.
    lost: AtomicU64,
}

impl Fresh {
    pub(super) const fn new() -> Self {
        Self {
            notes: [const { AtomicU64::new(0) }; SLOTS],
            spawned: [const { AtomicU64::new(0) }; SLOTS],
            lost: AtomicU64::new(0),
        }
    }

    #[inline]
    fn slot(task: u64) -> usize {
        task as usize & (SLOTS - 1)
    }

    /// A task is spawned, and nobody can poll it yet; at this tick, or 0 where it is not timed.
    #[inline]
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn put(&self, task: u64, spawned: u64, number: usize, probe: u32) {
        let slot = Self::slot(task);
        if self.notes[slot].load(Acquire) != 0 {
            return self.lose();
        }
        if spawned != 0 {
            // The store below must not be seen before the slot was free.
            sync::fence(Release);
            self.spawned[slot].store(spawned, Relaxed);
        }
        self.notes[slot].store(note(task, spawned, number, probe), Release);
    }

    #[cold]
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    fn lose(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    /// Whether a task is fresh. Its own thread sees it for certain.
    #[inline]
    pub(super) fn holds(&self, task: u64) -> bool {
        self.notes[Self::slot(task)].load(Relaxed) >> TAG_FROM == tag(task)
    }

    /// A task that is fresh is so no more: it is polled, or gone. When it was spawned, in ticks; 0 when that was not timed.
    #[inline]
    pub(super) fn take(&self, task: u64) -> u64 {
        let slot = Self::slot(task);
        let spawned = match check(self.notes[slot].load(Relaxed)) {
            0 => 0,
            own => Some(self.spawned[slot].load(Relaxed)).filter(|&at| check_of(at) == own).unwrap_or(0),
        };
        self.notes[slot].store(0, Release);
        spawned
    }

    /// All tasks that are fresh, as far as they stand still.
    pub(crate) fn read(&self) -> impl Iterator<Item = FreshTask> {
        (0..SLOTS).filter_map(|slot| self.read_slot(slot))
    }

    fn read_slot(&self, slot: usize) -> Option<FreshTask> {
        let told = self.notes[slot].load(Acquire);
        if told == 0 {
            return None;
        }
        let spawned = self.spawned[slot].load(Relaxed);
        // The load above must not be done after the check below.
        sync::fence(Acquire);
        let stands = self.notes[slot].load(Relaxed) == told;
        stands.then(|| FreshTask {
            task: ((told >> TAG_FROM) - 1) << SLOTS.ilog2() | slot as u64,
            spawned: (check(told) != 0 && check(told) == check_of(spawned)).then_some(spawned),
            number: (told & ((1 << NUMBER_BITS) - 1)) as usize,
            probe: (told >> NUMBER_BITS) as u32 & LAST_PROBE,
        })
    }

    /// Whether a task is still fresh.
    pub(crate) fn keeps(&self, task: u64) -> bool {
        self.notes[Self::slot(task)].load(Acquire) >> TAG_FROM == tag(task)
    }

    /// Lets go of a task that nobody will poll or end under our eyes.
    pub(crate) fn forget(&self, task: u64) {
        let slot = &self.notes[Self::slot(task)];
        let told = slot.load(Relaxed);
        if told >> TAG_FROM == tag(task) {
            // Exchanged: the slot may go to another task meanwhile.
            let _ = slot.compare_exchange(told, 0, Relaxed, Relaxed);
        }
    }

    /// Tasks whose wait for their first poll was not seen.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

const _: () = assert!(OTHER < 1 << NUMBER_BITS);

/// All of a task in one word, never 0: its tag, the check of its time, the low bits of its probe, and its location.
#[inline]
fn note(task: u64, spawned: u64, number: usize, probe: u32) -> u64 {
    let check = if spawned == 0 { 0 } else { check_of(spawned) };
    let of_spawn = u64::from(probe & LAST_PROBE) << NUMBER_BITS | number as u64;
    tag(task) << TAG_FROM | check << (NUMBER_BITS + PROBE_BITS) | of_spawn
}

/// With its slot, a task's id, of which 49 bits are told: a process that spawns a million a second needs decades for them.
#[inline]
const fn tag(task: u64) -> u64 {
    ((task >> SLOTS.ilog2()) + 1) & (u64::MAX >> TAG_FROM)
}

#[inline]
fn check(note: u64) -> u64 {
    note >> (NUMBER_BITS + PROBE_BITS) & LAST_CHECK
}

/// By which a note tells its own time from another's; never 0.
#[inline]
fn check_of(spawned: u64) -> u64 {
    spawned & LAST_CHECK | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_fresh_until_it_is_taken() {
        let fresh = Box::new(Fresh::new());
        fresh.put(7, 100, 3, 1);
        let task = FreshTask { task: 7, spawned: Some(100), number: 3, probe: 1 };
        assert_eq!(fresh.read().collect::<Vec<_>>(), [task]);
        assert!(fresh.holds(7) && !fresh.holds(8));
        assert_eq!(fresh.take(7), 100);
        assert!(fresh.read().next().is_none());
    }

    #[test]
    fn an_older_task_keeps_its_slot_and_the_new_one_is_counted() {
        let fresh = Box::new(Fresh::new());
        let next = 7 + SLOTS as u64;
        fresh.put(7, 100, 3, 1);
        fresh.put(next, 200, 3, 1);
        assert!(fresh.holds(7) && !fresh.holds(next));
        assert_eq!(fresh.lost(), 1);
        fresh.forget(next);
        assert!(fresh.keeps(7), "what is not there is not forgotten");
        fresh.forget(7);
        assert!(!fresh.keeps(7));
    }

    #[test]
    fn a_task_that_is_not_timed_has_no_time() {
        let fresh = Box::new(Fresh::new());
        let (first, second) = (7, 7 + SLOTS as u64);
        fresh.put(first, 100, 3, 1);
        fresh.take(first);
        fresh.put(second, 0, OTHER, LAST_PROBE);
        let task = FreshTask { task: second, spawned: None, number: OTHER, probe: LAST_PROBE };
        assert_eq!(fresh.read().collect::<Vec<_>>(), [task]);
        assert_eq!(fresh.take(second), 0);
        assert!(!fresh.holds(0) && !fresh.holds(second), "a free slot holds none");
    }

    #[test]
    fn a_time_of_another_task_is_not_taken_for_its_own() {
        let fresh = Box::new(Fresh::new());
        fresh.put(7, 100, 3, 1);
        fresh.spawned[Fresh::slot(7)].store(102, Relaxed);
        assert_eq!(fresh.read().next().and_then(|task| task.spawned), None);
        assert_eq!(fresh.take(7), 0);
    }
}
