//! Durations that any thread records.

use super::counts::Counts;
use super::sync::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Durations in nanoseconds that any thread records.
///
/// All accesses are relaxed: a reader may see a value's count before its sum. Nothing is derived from their difference.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Counts,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self { counts: Counts::new(), sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    /// Adds a duration in nanoseconds.
    pub(crate) fn record(&self, ns: u64) {
        self.counts.record(ns);
        self.sum.fetch_add(ns, Relaxed);
        self.max.fetch_max(ns, Relaxed);
    }

    /// The durations recorded so far.
    pub(crate) fn read(&self) -> stallscope_wire::Histogram {
        stallscope_wire::Histogram {
            buckets: self.counts.read().collect(),
            max_ns: self.max.load(Relaxed),
            sum_ns: self.sum.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_recorded_is_read() {
        let histogram = Histogram::new();
        for ns in [0, 3, 17, 1_000_000, 1_000_001, u64::MAX >> 4] {
            histogram.record(ns);
        }
        let read = histogram.read();
        assert_eq!((read.count(), read.max_ns), (6, u64::MAX >> 4));
        assert_eq!(read.quantile(0.5), 17);
    }
}
