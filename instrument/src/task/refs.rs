//! How many references there are to what is shared.

use super::sync::{AtomicU64, fence};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Owners may keep clones for ever without dropping them: 64 bits do not run over.
#[derive(Debug)]
pub(super) struct Refs(AtomicU64);

impl Refs {
    pub(super) const fn one() -> Self {
        Self(AtomicU64::new(1))
    }

    /// One more, by who has one.
    #[inline]
    pub(super) fn more(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One more, by who has one that nobody else uses meanwhile.
    #[inline]
    pub(super) fn twin(&self) {
        if self.0.load(Relaxed) == 1 {
            self.0.store(2, Relaxed);
        } else {
            self.more();
        }
    }

    /// One less, by who had it. Whether it was the last, and then all that others did with theirs comes before.
    #[inline]
    pub(super) fn fewer(&self) -> bool {
        // Nobody can make another of the only one, and so that need not be taken off.
        if self.0.load(Acquire) == 1 {
            return true;
        }
        let last = self.0.fetch_add(u64::MAX, Release) == 1;
        if last {
            fence(Acquire);
        }
        last
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
