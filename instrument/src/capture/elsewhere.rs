//! Capture on platforms where it is not available yet.

use super::{Activity, Captured};
use crate::recorder::{Open, Registered};

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
        target.cell.is_at(open).then_some(Captured { stack: None, activity: Activity::Unknown })
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
