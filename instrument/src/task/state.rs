//! What a task, its handle and its wakers share.

use super::failure::Failed;
use super::fate::Fate;
use super::group::Group;
use super::places::{self, Place};
use super::shared::Shared;
use super::tasks;
use super::waker::Inner;
use super::wakes::Wakes;
use crate::{clock, recorder};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// References to a state that are neither a waker's nor the handle's: of the list of tasks, and of the future.
const OWN: u64 = 2;

#[derive(Debug)]
pub(super) struct TaskState {
    pub(super) spawned_at: &'static Location<'static>,
    pub(super) name: Option<Box<str>>,
    /// The set that the task is in; it decides in place of `fate`.
    pub(super) group: Option<Arc<Group>>,
    pub(super) fate: Fate,
    pub(super) wakes: Wakes,
    pub(super) inner: Inner,
    /// tokio's id of the task, once it is known; 0 before.
    id: AtomicU64,
    /// When it was spawned, in ticks, where that is told from here.
    spawned: u64,
    /// Written before `fate` says so.
    pub(super) failed: OnceLock<Box<Failed>>,
    /// Where it is in its part of the list of tasks. Written under that part's lock.
    pub(super) slot: AtomicUsize,
    /// Written by the watchdog: the turn in which it was first seen that nothing holds a waker, and when, in nanoseconds
    /// since the start.
    pub(super) suspect: (AtomicU64, AtomicU64),
    /// Written by the watchdog: that it was told to be lost.
    pub(super) told: AtomicBool,
    /// It was polled by two wakers, and so not every one is a clone of ours.
    strayed: AtomicBool,
}

impl TaskState {
    pub(super) fn new(
        spawned_at: &'static Location<'static>,
        name: Option<&str>,
        group: Option<Arc<Group>>,
    ) -> Shared<Self> {
        if let Some(name) = name {
            Place::of(spawned_at).name(name);
        }
        let counts = places::counts_tasks();
        if counts {
            Place::of(spawned_at).count_spawned();
        }
        Shared::new(Self {
            spawned_at,
            name: name.map(Box::from),
            group,
            fate: Fate::new(),
            wakes: Wakes::new(),
            inner: Inner::new(),
            id: AtomicU64::new(0),
            spawned: if counts { clock::ticks() } else { 0 },
            failed: OnceLock::new(),
            slot: AtomicUsize::new(tasks::NOWHERE),
            suspect: (AtomicU64::new(0), AtomicU64::new(0)),
            told: AtomicBool::new(false),
            strayed: AtomicBool::new(false),
        })
    }

    /// A poll begins. Its tick, where it was read.
    #[inline]
    pub(super) fn begin(&self) -> Option<u64> {
        if self.spawned != 0 && self.wakes.polled() == 0 {
            self.place().count_first_poll(clock::ticks().saturating_sub(self.spawned));
        }
        self.wakes.begin().map(|woken| {
            let now = clock::ticks();
            self.place().count_schedule(now.saturating_sub(woken));
            now
        })
    }

    /// It is polled with a waker that ours does not stand for.
    pub(super) fn stray(&self) {
        self.strayed.store(true, Relaxed);
    }

    /// The poll ends without the task's being over.
    #[inline]
    pub(super) fn end(this: &Shared<Self>, begun: Option<u64>) {
        if tasks::insert(this) {
            this.learn_id();
        }
        if this.wakes.end(begun.unwrap_or_else(clock::ticks)) {
            this.place().count_self_wake();
        }
    }

    /// The task's work is over, or was dropped.
    pub(super) fn finish(&self) {
        if self.spawned != 0 {
            self.place().count_finished();
        }
    }

    /// Somebody wakes the task.
    pub(super) fn wake(&self) {
        self.note_wake();
        self.inner.wake();
    }

    /// Somebody will wake the task after this.
    pub(super) fn note_wake(&self) {
        self.wakes.wake(clock::ticks());
    }

    fn place(&self) -> Place {
        Place::of(self.spawned_at)
    }

    /// tokio's id; 0 when it was never known.
    pub(super) fn id(&self) -> u64 {
        self.id.load(Relaxed)
    }

    /// Within the task, its id.
    pub(super) fn learn_id(&self) {
        if let Some(id) = tokio::task::try_id() {
            self.id.store(recorder::task_bits(id), Relaxed);
        }
    }

    /// The turn in which the task is stranded: see [`Wakes::stranded`].
    pub(super) fn stranded(this: &Shared<Self>) -> Option<u64> {
        this.wakes.stranded(|| Self::is_held(this))
    }

    /// Whether anything but the task itself holds a waker of it. Only the list of tasks may ask: it is one of those counted.
    fn is_held(this: &Shared<Self>) -> bool {
        let handle = this.fate.has_handle();
        let held = Shared::count(this) > OWN + u64::from(handle && this.group.is_none());
        // A handle that is dropped says so first: had it let go of its reference before the count, that would be known by now.
        held || this.fate.has_handle() != handle || this.strayed.load(Relaxed)
    }
}
