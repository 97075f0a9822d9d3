//! The atomics of the recorder's protocols. The models in `tests/models` put loom's in their place, and so these are the only
//! ones that the cells, their counters, their queues and the alarm use.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
pub(super) use std::thread::{Thread, current, park_timeout};

use std::alloc::{Layout, alloc_zeroed};

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

/// Counters at 0, whose memory is taken as they are written. None when there is no memory for them.
pub(super) fn zeroed<const N: usize>(length: usize) -> Vec<[AtomicU64; N]> {
    let Ok(layout) = Layout::array::<[AtomicU64; N]>(length) else { return Vec::new() };
    if layout.size() == 0 {
        return Vec::new();
    }
    #[expect(unsafe_code, reason = "the standard library has no other way to memory that nobody has touched")]
    // SAFETY: the layout's size is not 0. What is allocated with the layout of an array of `length` by the global allocator is
    // what a vector of that capacity holds, and zeroed bytes are counters that are 0, which is all of its length.
    unsafe {
        let counters = alloc_zeroed(layout).cast::<[AtomicU64; N]>();
        if counters.is_null() { Vec::new() } else { Vec::from_raw_parts(counters, length, length) }
    }
}
