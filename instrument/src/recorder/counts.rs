//! Log-linear counts that are written without a lock.

use super::sync::{self, AtomicU64};
use std::sync::atomic::Ordering::Relaxed;

/// Bits of a value kept below its leading one: 16 buckets an octave, so a bucket is at most 1/16 wide.
const SUB_BITS: u32 = sync::size(4, 0) as u32;
const SUB: usize = 1 << SUB_BITS;
/// Buckets for all values of 64 bits.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB;

/// Buckets of a location's polls: a quarter of an octave wide, up to lengths of minutes. The last one takes in all that is
/// longer.
pub(super) const COARSE: usize = sync::size(144, 1);
/// A bucket of these is as wide as this many.
const COARSE_BITS: u32 = sync::size(2, 0) as u32;

/// Counts of values, at most 6.25 % apart within a bucket (the layout of [HdrHistogram], with no bound to configure).
///
/// [HdrHistogram]: https://hdrhistogram.github.io/HdrHistogram/
#[derive(Debug)]
pub(crate) struct Counts([AtomicU64; BUCKETS]);

impl Counts {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }

    /// Counts a value of a [`bucket`] that stands for `weight` values. Only one thread may call this: a plain load and
    /// store, no read-modify-write.
    #[inline]
    pub(super) fn record_alone(&self, bucket: usize, weight: u64) {
        add_alone(&self.0[bucket], weight);
    }

    /// Counts a value, from any thread.
    pub(crate) fn record(&self, value: u64) {
        self.0[bucket(value)].fetch_add(1, Relaxed);
    }

    /// `(highest value of the bucket, count)` of the buckets that hold something.
    pub(crate) fn read(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().enumerate().filter_map(|(i, count)| {
            let count = count.load(Relaxed);
            (count > 0).then(|| (upper(i), count))
        })
    }
}

/// Adds to a counter that only the calling thread writes.
#[inline]
pub(super) fn add_alone(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// The bucket of a value. Always below [`BUCKETS`].
#[inline]
pub(super) const fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let octave = 63 - value.leading_zeros();
    let sub = (value >> (octave - SUB_BITS)) as usize & (SUB - 1);
    (octave - SUB_BITS + 1) as usize * SUB + sub
}

/// The bucket among the coarse ones that a bucket is a part of.
#[inline]
pub(super) fn coarse(bucket: usize) -> usize {
    (bucket >> COARSE_BITS).min(COARSE - 1)
}

/// The highest value that falls into the coarse bucket of a value, however high that is.
pub(crate) const fn bucket_of(value: u64) -> u64 {
    coarse_upper(bucket(value) >> COARSE_BITS)
}

/// The highest value that falls into a coarse bucket.
pub(super) const fn coarse_upper(coarse: usize) -> u64 {
    upper(((coarse + 1) << COARSE_BITS) - 1)
}

/// The highest value that falls into a bucket.
const fn upper(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let shift = (index / SUB - 1) as u32;
    let lowest = ((SUB + index % SUB) as u64) << shift;
    lowest + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]);
        for value in edges {
            let i = bucket(value);
            assert!(i < BUCKETS, "{value}");
            assert!(value <= upper(i), "{value} is over its bucket");
            assert!(i == 0 || value > upper(i - 1), "{value} is under its bucket");
            assert!(upper(i) - value <= value / SUB as u64, "{value}'s bucket is too wide");
        }
    }
}
