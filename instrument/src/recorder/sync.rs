//! The atomics of the recorder's protocols. The models in `tests/models` put loom's in their place, and so these are the only
//! ones that the cells, their counters, their queues and the alarm use.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
pub(super) use std::thread::{Thread, current, park_timeout};

/// A size that is smaller in the models, which go through every order of what the threads do.
pub(super) const fn size(real: usize, _modelled: usize) -> usize {
    real
}

/// A static; in the models, one that each run has its own of.
macro_rules! process_wide {
    ($name:ident: $type:ty = $first:expr) => {
        static $name: $type = $first;
    };
}
pub(super) use process_wide;
