//! Whether anybody sees how a task ends, decided between the task and its handle by one word.

use super::sync::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

const FAILED: u32 = 1;
const DROPPED: u32 = 2;
const PASSED_ON: u32 = 4;

/// The task and its handle each write once; whoever is second finds what the first has left.
#[derive(Debug)]
pub(super) struct Fate(AtomicU32);

impl Fate {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// The task has failed, and what there is to say of it is in place. Whether it is to be told now: the handle is gone, and
    /// will not do it.
    pub(super) fn fail(&self) -> bool {
        self.0.fetch_or(FAILED, AcqRel) == DROPPED
    }

    /// The handle is dropped, and has not given the result. Whether the failure is to be told now: the task has left it.
    pub(super) fn drop_handle(&self) -> bool {
        self.0.fetch_or(DROPPED, AcqRel) == FAILED
    }

    /// The handle has become one that does not tell what becomes of the result.
    pub(super) fn pass_on(&self) {
        self.0.fetch_or(PASSED_ON, AcqRel);
    }

    /// Whether the handle may still be there. Said before it lets go of the task's state.
    pub(super) fn has_handle(&self) -> bool {
        self.0.load(Acquire) & (DROPPED | PASSED_ON) == 0
    }
}
