//! What a task, its handle and its wakers share.

use super::fate::Fate;
use super::group::Group;
use super::places::{self, Place};
use super::shared::Shared;
use super::tasks;
use super::waiting::Waiting;
use crate::{clock, observe, recorder};
use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

/// References to a state that are neither a waker's nor the handle's: of the list of tasks, and of the future.
const OWN: u64 = 2;
/// No tick that is ever read.
const UNWATCHED: u64 = u64::MAX;

/// With the count of its references no more than a cache line.
#[derive(Debug)]
pub(super) struct TaskState {
    pub(super) spawned_at: &'static Location<'static>,
    /// When it was spawned, in ticks, where that is told from here; [`UNWATCHED`] for one of a scope alone.
    spawned: u64,
    /// The set that the task is in; it decides in place of `fate`.
    pub(super) group: Option<Arc<Group>>,
    /// Made by who first needs it.
    waiting: OnceLock<Box<Waiting>>,
    pub(super) fate: Fate,
    /// The scope that it was spawned in; 0 for none.
    scope: u32,
}

impl TaskState {
    #[inline]
    pub(super) fn new(
        spawned_at: &'static Location<'static>,
        name: Option<&str>,
        group: Option<Arc<Group>>,
        scope: u32,
    ) -> Shared<Self> {
        let spawned = if places::counts_tasks() { count_spawned(spawned_at) } else { 0 };
        let (waiting, fate) = (OnceLock::new(), Fate::new());
        let this = Shared::new(|| Self { spawned_at, spawned, group, waiting, fate, scope });
        if let Some(name) = name {
            this.place().name(name);
            let _ = this.waiting.set(Waiting::new(Some(name)));
        }
        this
    }

    /// Of a task that is not watched, and was spawned in a scope.
    pub(super) fn of_scope(spawned_at: &'static Location<'static>, scope: u32) -> Shared<Self> {
        let (waiting, fate) = (OnceLock::new(), Fate::new());
        Shared::new(|| Self { spawned_at, spawned: UNWATCHED, group: None, waiting, fate, scope })
    }

    /// It only carries the scope, until the task runs: nobody would hear of more.
    #[inline]
    pub(super) const fn is_of_scope_alone(&self) -> bool {
        self.spawned == UNWATCHED
    }

    /// None while the task has nothing of this.
    #[inline]
    pub(super) fn waiting(&self) -> Option<&Waiting> {
        self.waiting.get().map(Box::as_ref)
    }

    /// [`waiting`](Self::waiting), from now on.
    #[inline]
    pub(super) fn to_wait(&self) -> &Waiting {
        self.waiting.get_or_init(|| Waiting::new(None))
    }

    /// A poll begins. Its tick, where it was read.
    #[inline]
    pub(super) fn begin(&self) -> Option<u64> {
        let waiting = self.waiting();
        let is_first = || waiting.is_none_or(|waiting| waiting.wakes.polled() == 0);
        if self.scope != 0 && is_first() {
            self.begin_in_scope();
        }
        if self.spawned != 0 && is_first() {
            self.place().count_first_poll(clock::ticks().saturating_sub(self.spawned));
        }
        waiting?.wakes.begin().map(|woken| {
            let now = clock::ticks();
            self.place().count_schedule(now.saturating_sub(woken));
            now
        })
    }

    /// The task runs for the first time.
    pub(super) fn begin_in_scope(&self) {
        if self.scope != 0 {
            observe::begin(self.scope);
        }
    }

    /// It is polled with a waker that ours does not stand for.
    #[cold]
    pub(super) fn stray(&self) {
        self.to_wait().strayed.store(true, Relaxed);
    }

    /// The poll ends without the task's being over.
    #[inline]
    pub(super) fn end(this: &Shared<Self>, begun: Option<u64>) {
        let waiting = this.to_wait();
        if tasks::insert(this, waiting) {
            this.learn_id();
        }
        if waiting.wakes.end(begun.unwrap_or_else(clock::ticks)) {
            this.place().count_self_wake();
        }
    }

    /// The task's work is over, or was dropped.
    #[inline]
    pub(super) fn finish(&self) {
        if self.spawned != 0 {
            self.place().count_finished();
        }
    }

    /// Somebody wakes the task.
    pub(super) fn wake(&self) {
        let waiting = self.note_wake();
        waiting.inner.wake();
    }

    /// Somebody will wake the task after this.
    pub(super) fn note_wake(&self) -> &Waiting {
        let waiting = self.to_wait();
        waiting.wakes.wake(clock::ticks());
        waiting
    }

    fn place(&self) -> Place {
        Place::of(self.spawned_at)
    }

    /// tokio's id; 0 when it was never known.
    pub(super) fn id(&self) -> u64 {
        self.waiting().map_or(0, |waiting| waiting.id.load(Relaxed))
    }

    /// The name that it was given.
    pub(super) fn name(&self) -> Option<&str> {
        self.waiting()?.name.as_deref()
    }

    /// Within the task, its id.
    pub(super) fn learn_id(&self) {
        if let Some(id) = tokio::task::try_id() {
            self.to_wait().id.store(recorder::task_bits(id), Relaxed);
        }
    }

    /// The turn in which the task is stranded: see [`Wakes::stranded`](super::wakes::Wakes::stranded).
    pub(super) fn stranded(this: &Shared<Self>) -> Option<u64> {
        let waiting = this.waiting()?;
        waiting.wakes.stranded(|| Self::is_held(this, waiting))
    }

    /// Whether anything but the task itself holds a waker of it. Only the list of tasks may ask: it is one of those counted.
    fn is_held(this: &Shared<Self>, waiting: &Waiting) -> bool {
        let handle = this.fate.has_handle();
        let held = Shared::count(this) > OWN + u64::from(handle && this.group.is_none());
        // A handle that is dropped says so first: had it let go of its reference before the count, that would be known by now.
        held || this.fate.has_handle() != handle || waiting.strayed.load(Relaxed)
    }
}

/// Now, in ticks.
#[inline(never)]
fn count_spawned(at: &'static Location<'static>) -> u64 {
    Place::of(at).count_spawned();
    clock::ticks()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_task_has_fits_into_a_small_block() {
        // With its count, and the eight bytes that an allocator adds.
        assert!(size_of::<TaskState>() + 16 <= 64, "{}", size_of::<TaskState>());
    }
}
