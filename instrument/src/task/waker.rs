//! The waker that a task's future is polled with: it wakes through tokio's, and what holds a clone of it can be counted.
#![expect(
    unsafe_code,
    reason = "a waker that costs nothing until it is cloned has no safe form in the standard library"
)]

use super::state::TaskState;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, OnceLock};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What a task is woken by: tokio's waker, from when ours is first used.
///
/// It holds the task, which holds the future, which holds this. That ends where tokio drops the future: when the task is over, or
/// its runtime is.
#[derive(Debug)]
pub(super) struct Inner {
    kept: OnceLock<Waker>,
    /// Written by who polls: the waker that the poll which goes on was given; null between polls.
    lent: AtomicPtr<Waker>,
}

impl Inner {
    pub(super) const fn new() -> Self {
        Self { kept: OnceLock::new(), lent: AtomicPtr::new(ptr::null_mut()) }
    }

    /// A poll begins that tokio would be woken from by `waker`. Whether ours stands for that one.
    #[inline]
    pub(super) fn lend(&self, waker: &Waker) -> bool {
        match self.kept.get() {
            Some(kept) => kept.will_wake(waker),
            None => {
                self.lent.store(ptr::from_ref(waker).cast_mut(), Release);
                true
            }
        }
    }

    /// The poll is over. Called before the waker that was lent is gone.
    #[inline]
    pub(super) fn take_back(&self) {
        self.lent.store(ptr::null_mut(), Release);
    }

    /// tokio's waker. A clone of ours has made sure that it is kept; without one, a poll goes on.
    fn get(&self) -> Option<&Waker> {
        if let Some(kept) = self.kept.get() {
            return Some(kept);
        }
        let lent = self.lent.load(Acquire);
        // SAFETY: it is null, or was made from a reference that is valid until `take_back`, which sets it to null. Ours is called
        // without being kept by those alone to whom the poll that goes on has lent it; they give it back before that
        // poll ends, and so before `take_back`, on whatever thread they are.
        let lent = unsafe { lent.as_ref() }?;
        Some(self.kept.get_or_init(|| lent.clone()))
    }

    /// Has the task polled.
    pub(super) fn wake(&self) {
        if let Some(inner) = self.get() {
            inner.wake_by_ref();
        }
    }
}

/// The data of each of these wakers is the pointer of an `Arc<TaskState>`.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that holds no reference, for as long as the state is borrowed. All wakers of one state are equal.
#[inline]
pub(super) fn lent(state: &Arc<TaskState>) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table do what is asked of them, for a pointer of an `Arc`, from any thread, since the state
    // is `Send` and `Sync`. This waker owns no reference and is never dropped; the borrow of the state outlives each use,
    // since the caller polls with it while it holds the borrow, and a clone takes a reference of its own.
    ManuallyDrop::new(unsafe { Waker::new(Arc::as_ptr(state).cast(), &VTABLE) })
}

/// # Safety
/// `data` is the pointer of an `Arc<TaskState>` that is alive.
unsafe fn clone(data: *const ()) -> RawWaker {
    let state = data.cast::<TaskState>();
    // SAFETY: by the contract, the state is alive, and so its count may grow. Whoever has a clone finds tokio's waker kept.
    unsafe {
        (*state).inner.get();
        Arc::increment_strong_count(state);
    }
    RawWaker::new(data, &VTABLE)
}

/// # Safety
/// As [`clone`], and the caller gives up a reference of its own.
unsafe fn wake(data: *const ()) {
    // SAFETY: by the contract, the reference is ours now.
    let state = unsafe { Arc::from_raw(data.cast::<TaskState>()) };
    state.wake();
}

/// # Safety
/// As [`clone`].
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: by the contract, the state is alive.
    unsafe { (*data.cast::<TaskState>()).wake() }
}

/// # Safety
/// As [`wake`].
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: by the contract, the reference is ours now.
    drop(unsafe { Arc::from_raw(data.cast::<TaskState>()) });
}
