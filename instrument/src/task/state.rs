//! What a task, its handle and its wakers share; it is the task's waker.

use super::failure::Failed;
use super::fate::Fate;
use super::group::Group;
use super::wakes::Wakes;
use super::{places, tasks};
use crate::{clock, recorder};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};

/// References to a state that are no waker's: of the list of tasks, of the future, and the waker that the future keeps.
const OWN: usize = 3;

#[derive(Debug)]
pub(super) struct TaskState {
    pub(super) spawned_at: &'static Location<'static>,
    pub(super) name: Option<Box<str>>,
    /// The set that the task is in; it decides in place of `fate`.
    pub(super) group: Option<Arc<Group>>,
    pub(super) fate: Fate,
    pub(super) wakes: Wakes,
    /// tokio's waker, from the first poll on. It holds the task, which holds the future, which holds this; that ends where tokio drops
    /// the future, when the task is over or its runtime is.
    inner: OnceLock<Waker>,
    /// tokio's id of the task, once it is known; 0 before.
    id: AtomicU64,
    spawned: u64,
    place: places::Place,
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
        let place = places::Place::of(spawned_at);
        if let Some(name) = name {
            place.name(name);
        }
        place.count_spawned();
        Arc::new(Self {
            spawned_at,
            name: name.map(Box::from),
            group,
            fate: Fate::new(),
            wakes: Wakes::new(),
            inner: OnceLock::new(),
            id: AtomicU64::new(0),
            spawned: clock::ticks(),
            place,
            failed: OnceLock::new(),
            slot: AtomicUsize::new(tasks::NOWHERE),
            suspect: (AtomicU64::new(0), AtomicU64::new(0)),
            told: AtomicBool::new(false),
            strayed: AtomicBool::new(false),
        })
    }

    /// A poll begins, in which tokio would be woken by `inner`. When it began, in ticks, and whether our waker stands for that one.
    #[inline]
    pub(super) fn begin(&self, inner: &Waker) -> (u64, bool) {
        let now = clock::ticks();
        let known = self.inner.get_or_init(|| {
            self.learn_id();
            self.place.count_first_poll(now.saturating_sub(self.spawned));
            inner.clone()
        });
        if let Some(woken) = self.wakes.begin(now) {
            self.place.count_schedule(now.saturating_sub(woken));
        }
        let ours = known.will_wake(inner);
        if !ours {
            self.strayed.store(true, Relaxed);
        }
        (now, ours)
    }

    /// The poll ends.
    #[inline]
    pub(super) fn end(&self) {
        if self.wakes.end() {
            self.place.count_self_wake();
        }
    }

    /// The task's work is over, or was dropped.
    pub(super) fn finish(&self) {
        self.place.count_finished();
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

impl Wake for TaskState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.wake(clock::ticks());
        if let Some(inner) = self.inner.get() {
            inner.wake_by_ref();
        }
    }
}
