//! The tasks that are spawned and have not been polled yet.

use super::locations::OTHER;
use super::sync::{self, AtomicU64, process_wide};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Tasks that may be fresh at one time. A power of two; fewer under miri, which goes through all of them at each look.
const SLOTS: usize = if cfg!(miri) { 64 } else { sync::size(8192, 2) };
/// Bits of a note that tell the location, and those that tell the probe.
const NUMBER_BITS: u32 = 16;
const PROBE_BITS: u32 = 16;
const LAST_PROBE: u32 = (1 << PROBE_BITS) - 1;

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

/// Written by the thread that spawns while it is free, and by the one that polls the task or ends it afterwards.
#[derive(Debug)]
#[repr(C, align(32))]
struct Slot {
    /// The task's bits; 0 while the slot is free. Release, after the two below.
    task: AtomicU64,
    spawned: AtomicU64,
    /// Location and probe, and the low bits of the task that they are of: two threads that find the slot free at one time both
    /// write to it.
    note: AtomicU64,
}

/// A slot for each task, found by its id, in which the first of several tasks stays.
#[derive(Debug)]
pub(crate) struct Fresh {
    slots: [Slot; SLOTS],
    /// Written by anybody: tasks that found their slot taken.
    lost: AtomicU64,
}

impl Fresh {
    pub(super) const fn new() -> Self {
        let slots =
            [const { Slot { task: AtomicU64::new(0), spawned: AtomicU64::new(0), note: AtomicU64::new(0) } };
                SLOTS];
        Self { slots, lost: AtomicU64::new(0) }
    }

    #[inline]
    fn slot(&self, task: u64) -> &Slot {
        &self.slots[task as usize & (SLOTS - 1)]
    }

    /// A task is spawned, and nobody can poll it yet.
    #[inline]
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn put(&self, task: u64, spawned: u64, number: usize, probe: u32) {
        let slot = self.slot(task);
        if slot.task.load(Acquire) != 0 {
            return self.lose();
        }
        // The two stores below must not be seen before the slot was free.
        sync::fence(Release);
        slot.spawned.store(spawned, Relaxed);
        slot.note.store(note(task, number, probe), Relaxed);
        slot.task.store(task, Release);
    }

    #[cold]
    fn lose(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    /// Whether a task is fresh. Its own thread sees it for certain.
    #[inline]
    pub(super) fn holds(&self, task: u64) -> bool {
        self.slot(task).task.load(Relaxed) == task
    }

    /// A task that is fresh is so no more: it is polled, or gone. When it was spawned, in ticks; 0 when that was not timed.
    pub(super) fn take(&self, task: u64) -> u64 {
        let slot = self.slot(task);
        let spawned = slot.spawned.load(Relaxed);
        slot.task.store(0, Release);
        spawned
    }

    /// All tasks that are fresh, as far as they stand still.
    pub(crate) fn read(&self) -> impl Iterator<Item = FreshTask> {
        self.slots.iter().filter_map(Slot::read)
    }

    /// Whether a task is still fresh.
    pub(crate) fn keeps(&self, task: u64) -> bool {
        self.slot(task).task.load(Acquire) == task
    }

    /// Lets go of a task that nobody will poll or end under our eyes.
    pub(crate) fn forget(&self, task: u64) {
        // Exchanged: the slot may go to another task meanwhile.
        let _ = self.slot(task).task.compare_exchange(task, 0, Relaxed, Relaxed);
    }

    /// Tasks whose wait for their first poll was not seen.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

impl Slot {
    fn read(&self) -> Option<FreshTask> {
        let task = self.task.load(Acquire);
        if task == 0 {
            return None;
        }
        let (spawned, told) = (self.spawned.load(Relaxed), self.note.load(Relaxed));
        // The two loads above must not be done after the check below.
        sync::fence(Acquire);
        let (number, probe) = location_and_probe(told);
        let whole = self.task.load(Relaxed) == task && told == note(task, number, probe);
        let spawned = (spawned != 0).then_some(spawned);
        whole.then_some(FreshTask { task, spawned, number, probe })
    }
}

const _: () = assert!(OTHER < 1 << NUMBER_BITS);

#[inline]
fn note(task: u64, number: usize, probe: u32) -> u64 {
    let probe = probe & LAST_PROBE;
    task << (NUMBER_BITS + PROBE_BITS) | u64::from(probe) << NUMBER_BITS | number as u64
}

fn location_and_probe(note: u64) -> (usize, u32) {
    let number = note & ((1 << NUMBER_BITS) - 1);
    (number as usize, (note >> NUMBER_BITS) as u32 & LAST_PROBE)
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
}
