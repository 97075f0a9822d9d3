//! The atomics of what a task, its handle, its wakers and the watchdog share. The models put loom's in their place.

pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, fence};
