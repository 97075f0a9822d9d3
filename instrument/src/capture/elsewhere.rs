//! Capture on platforms where it is not available yet.

use super::{Activity, Captured};
use crate::recorder::{Open, Registered};
use stallscope_wire::Gap;

/// Reads nothing.
#[derive(Debug)]
pub(crate) struct CallReader;

impl CallReader {
    pub(crate) fn new(_tid: i32) -> Self {
        Self
    }

    pub(crate) fn read(&self) -> Reading {
        Reading::Unreadable
    }
}

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(dead_code, reason = "nothing is read here, so two of these are never made")]
pub(crate) enum Reading {
    Running,
    Waiting(Waiting),
    Unreadable,
}

/// Where a thread waits. There is none here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting;

/// What a thread waits for. There is none here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place;

impl Waiting {
    pub(crate) fn place(&self) -> Option<Place> {
        None
    }
}

/// Captures nothing.
#[derive(Debug)]
pub(crate) struct Capturer;

impl Capturer {
    /// Says that stacks are not available here.
    pub(crate) fn new() -> Result<Self, CaptureUnavailable> {
        Err(CaptureUnavailable)
    }

    /// Nothing but whether the thread is still at `open`.
    pub(crate) fn capture(&mut self, target: &Registered, open: Open) -> Option<Captured> {
        target.cell.is_at(open).then_some(Captured {
            stack: None,
            activity: Activity::Unknown,
            silent: false,
        })
    }

    pub(crate) fn capture_idly(&mut self, target: &Registered, open: Open) -> Option<Captured> {
        self.capture(target, open)
    }

    pub(crate) fn end_round(&mut self) {}

    pub(crate) fn meet(&mut self, _target: &Registered) {}

    pub(crate) fn take_gaps(&mut self) -> Vec<Gap> {
        Vec::new()
    }
}

/// Why there are no stacks.
#[derive(Debug)]
pub(crate) struct CaptureUnavailable;

impl std::fmt::Display for CaptureUnavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stacks are captured on x86_64 Linux only")
    }
}
