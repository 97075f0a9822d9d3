//! Capture on platforms where it is not available yet.

use super::{Activity, Captured};
use crate::recorder::{Open, Registered};
use stallscope_wire::Gap;

/// Captures nothing.
#[derive(Debug)]
pub(crate) struct Capturer;

impl Capturer {
    /// Says that stacks are not available here.
    pub(crate) fn new() -> Result<Self, CaptureUnavailable> {
        Err(CaptureUnavailable)
    }

    pub(crate) fn capture(&mut self, _target: &Registered, _open: Open) -> Option<Captured> {
        Some(Captured { stack: None, activity: Activity::Unknown })
    }

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
