//! The waker that a task's future is polled with: it wakes through tokio's, and what holds a clone of it can be counted.
//!
//! Until a clone of it was made it lives on the stack of the poll, and the task's state is not touched.
#![expect(
    unsafe_code,
    reason = "a waker that costs nothing until it is cloned has no safe form in the standard library"
)]

use super::shared::Shared;
use super::state::TaskState;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::OnceLock;
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What a task is woken by: tokio's waker, from when ours is first cloned.
///
/// It holds the task, which holds the future, which holds this. That ends where tokio drops the future: when the task is over, or
/// its runtime is.
#[derive(Debug)]
pub(super) struct Inner(OnceLock<Waker>);

impl Inner {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    #[inline]
    pub(super) fn kept(&self) -> Option<&Waker> {
        self.0.get()
    }

    /// Has the task polled. Those who have a clone of ours find tokio's waker kept.
    pub(super) fn wake(&self) {
        if let Some(kept) = self.0.get() {
            kept.wake_by_ref();
        }
    }
}

/// What a poll lends to its future while tokio's waker is not kept.
pub(super) struct Loan<'a> {
    state: &'a Shared<TaskState>,
    tokios: &'a Waker,
}

impl<'a> Loan<'a> {
    #[inline]
    pub(super) const fn new(state: &'a Shared<TaskState>, tokios: &'a Waker) -> Self {
        Self { state, tokios }
    }

    /// A waker that holds no reference. It is another than its clones are, which costs one that compares them a clone more.
    #[inline]
    pub(super) const fn waker(&self) -> ManuallyDrop<Waker> {
        // SAFETY: the functions of the table do what is asked of them, for a pointer to a `Loan`, from any thread, since what it
        // refers to is `Sync`. This waker owns nothing and is never dropped; the loan outlives each use, since the caller polls
        // with it while it holds the loan, and a clone is one that stands for a reference of its own.
        ManuallyDrop::new(unsafe { Waker::new(ptr::from_ref(self).cast(), &LOAN) })
    }
}

/// The data of each of these wakers is a pointer to a [`Loan`].
static LOAN: RawWakerVTable = RawWakerVTable::new(clone_loan, wake_loan, wake_loan, forget_loan);

/// # Safety
/// `data` is a pointer to a [`Loan`] that lives.
unsafe fn clone_loan(data: *const ()) -> RawWaker {
    // SAFETY: by the contract.
    let loan = unsafe { &*data.cast::<Loan<'_>>() };
    loan.state.to_wait().inner.0.get_or_init(|| loan.tokios.clone());
    RawWaker::new(ManuallyDrop::new(loan.state.clone()).as_raw(), &KEPT)
}

/// # Safety
/// As [`clone_loan`].
unsafe fn wake_loan(data: *const ()) {
    // SAFETY: by the contract.
    let loan = unsafe { &*data.cast::<Loan<'_>>() };
    loan.state.note_wake();
    loan.tokios.wake_by_ref();
}

/// It owns nothing.
unsafe fn forget_loan(_: *const ()) {}

/// The data of each of these wakers is the pointer of a `Shared<TaskState>`, in which tokio's waker is kept.
static KEPT: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that holds no reference, for as long as the state is borrowed, in which tokio's waker is kept. All of one state are
/// equal.
#[inline]
pub(super) fn lent(state: &Shared<TaskState>) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table do what is asked of them, for a pointer of a `Shared`, from any thread, since the state
    // is `Send` and `Sync`. This waker owns no reference and is never dropped; the borrow of the state outlives each use,
    // since the caller polls with it while it holds the borrow, and a clone takes a reference of its own.
    ManuallyDrop::new(unsafe { Waker::new(state.as_raw(), &KEPT) })
}

/// The state of a waker, whose reference stays the waker's.
///
/// # Safety
/// `data` is the pointer of a `Shared<TaskState>` that is alive for as long as this is used.
#[inline]
unsafe fn state_of(data: *const ()) -> ManuallyDrop<Shared<TaskState>> {
    // SAFETY: the reference is not taken, since it is never dropped.
    ManuallyDrop::new(unsafe { Shared::from_raw(data) })
}

/// # Safety
/// `data` is the pointer of a `Shared<TaskState>` that is alive.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: by the contract. The clone's reference goes to the new waker.
    let state = unsafe { state_of(data) };
    // `ManuallyDrop` twice: a clone of it holds a clone that is not dropped either.
    let _clone = ManuallyDrop::clone(&state);
    RawWaker::new(data, &KEPT)
}

/// # Safety
/// As [`clone`], and the caller gives up a reference of its own.
unsafe fn wake(data: *const ()) {
    // SAFETY: by the contract, the reference is ours now.
    unsafe { Shared::<TaskState>::from_raw(data) }.wake();
}

/// # Safety
/// As [`clone`].
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: by the contract.
    unsafe { state_of(data) }.wake();
}

/// # Safety
/// As [`wake`].
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: by the contract, the reference is ours now.
    drop(unsafe { Shared::<TaskState>::from_raw(data) });
}
