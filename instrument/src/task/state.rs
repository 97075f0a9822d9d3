//! What a task, its handle and its wakers share.

use super::failure::Failed;
use super::fate::Fate;
use super::group::Group;
use super::places::{self, Place};
use super::tasks;
use super::waker::Inner;
use super::wakes::Wakes;
use crate::{clock, recorder};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

/// References to a state that are neither a waker's nor the handle's: of the list of tasks, and of the future.
const OWN: usize = 2;

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
    ) -> Arc<Self> {
        if let Some(name) = name {
            Place::of(spawned_at).name(name);
        }
        let counts = places::counts_tasks();
        if counts {
            Place::of(spawned_at).count_spawned();
        }
        Arc::new(Self {
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

    /// A poll begins that tokio would be woken from by `inner`. Its tick, where it was read, and whether our waker stands for
    /// that one.
    #[inline]
    pub(super) fn begin(&self, inner: &Waker) -> (Option<u64>, bool) {
        if self.spawned != 0 && self.wakes.polled() == 0 {
            self.place().count_first_poll(clock::ticks().saturating_sub(self.spawned));
        }
        let ours = self.inner.lend(inner);
        if !ours {
            self.strayed.store(true, Relaxed);
        }
        let now = self.wakes.begin().map(|woken| {
            let now = clock::ticks();
            self.place().count_schedule(now.saturating_sub(woken));
            now
        });
        (now, ours)
    }

    /// The poll ends without the task's being over.
    #[inline]
    pub(super) fn end(self: &Arc<Self>, begun: Option<u64>) {
        if tasks::insert(self) {
            self.learn_id();
        }
        if self.wakes.end(begun.unwrap_or_else(clock::ticks)) {
            self.place().count_self_wake();
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
        self.wakes.wake(clock::ticks());
        self.inner.wake();
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
    pub(super) fn stranded(self: &Arc<Self>) -> Option<u64> {
        self.wakes.stranded(|| self.is_held())
    }

    /// Whether anything but the task itself holds a waker of it. Only the list of tasks may ask: it is one of those counted.
    fn is_held(self: &Arc<Self>) -> bool {
        let handle = self.fate.has_handle();
        let held = Arc::strong_count(self) > OWN + usize::from(handle && self.group.is_none());
        // A handle that is dropped says so first: had it let go of its reference before the count, that would be known by now.
        held || self.fate.has_handle() != handle || self.strayed.load(Relaxed)
    }
}
