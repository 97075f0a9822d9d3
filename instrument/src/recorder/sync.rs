//! The atomics of the recorder's protocols. The models in `tests/models` put loom's in their place, and so these are the only
//! ones that the cells, their counters and their queues use.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};

/// A size that is smaller in the models, which go through every order of what the threads do.
pub(super) const fn size(real: usize, _modelled: usize) -> usize {
    real
}
