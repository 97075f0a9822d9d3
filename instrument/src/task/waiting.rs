//! What is kept of a task that waits, or has a name, or failed: most are over after one poll, and never need it.

use super::failure::Failed;
use super::tasks;
use super::waker::Inner;
use super::wakes::Wakes;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) name: Option<Box<str>>,
    pub(super) wakes: Wakes,
    pub(super) inner: Inner,
    /// tokio's id of the task, once it is known; 0 before.
    pub(super) id: AtomicU64,
    /// Written before the task's fate says so.
    pub(super) failed: OnceLock<Box<Failed>>,
    /// Where it is in its part of the list of tasks. Written under that part's lock.
    pub(super) slot: AtomicUsize,
    /// Written by the watchdog: the turn in which it was first seen that nothing holds a waker, and when, in nanoseconds
    /// since the start.
    pub(super) suspect: (AtomicU64, AtomicU64),
    /// Written by the watchdog: that it was told to be lost.
    pub(super) told: AtomicBool,
    /// It was polled by two wakers, and so not every one is a clone of ours.
    pub(super) strayed: AtomicBool,
}

impl Waiting {
    #[inline(never)]
    pub(super) fn new(name: Option<&str>) -> Box<Self> {
        Box::new(Self {
            name: name.map(Box::from),
            wakes: Wakes::new(),
            inner: Inner::new(),
            id: AtomicU64::new(0),
            failed: OnceLock::new(),
            slot: AtomicUsize::new(tasks::NOWHERE),
            suspect: (AtomicU64::new(0), AtomicU64::new(0)),
            told: AtomicBool::new(false),
            strayed: AtomicBool::new(false),
        })
    }
}
