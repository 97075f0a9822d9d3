use hdrhistogram::Histogram as Hdr;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Counts of durations, sparse: only buckets that hold something are written.
///
/// Cumulative since the process started; the difference of two gives a window ([`Histogram::since`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// `[highest duration that falls into the bucket, in nanoseconds; count]`, ascending.
    #[serde(deserialize_with = "exactly")]
    pub buckets: Vec<(u64, u64)>,
    /// Longest duration recorded, in nanoseconds.
    pub max_ns: u64,
    /// Sum of all durations, in nanoseconds.
    pub sum_ns: u64,
}

impl Histogram {
    /// How many durations were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |total, &(_, count)| total.saturating_add(count))
    }

    /// The duration in nanoseconds that a share `quantile` (0 to 1) of all recorded ones does not exceed, to the
    /// bucket's upper bound and never above the maximum. Zero when nothing was recorded.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        let total = self.count();
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "a rank between 1 and the total"
        )]
        let rank = ((quantile.clamp(0.0, 1.0) * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for &(upper, count) in &self.buckets {
            seen = u64::saturating_add(seen, count);
            if seen >= rank {
                return upper.min(self.max_ns);
            }
        }
        if total == 0 { 0 } else { self.max_ns }
    }

    /// Adds all of another's counts.
    pub fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut left, mut right) = (self.buckets.iter().peekable(), other.buckets.iter().peekable());
        loop {
            merged.push(match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let both = (a.0, a.1.saturating_add(b.1));
                    left.next();
                    right.next();
                    both
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    let a = **a;
                    left.next();
                    a
                }
                (Some(_) | None, Some(b)) => {
                    let b = **b;
                    right.next();
                    b
                }
                (Some(a), None) => {
                    let a = **a;
                    left.next();
                    a
                }
                (None, None) => break,
            });
        }
        self.buckets = merged;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// What was recorded after `earlier`, an older state of the same histogram. The maximum is then the upper bound
    /// of the highest bucket that grew, since the exact one is not known for a window.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut old = earlier.buckets.iter().copied().peekable();
        let mut buckets = Vec::new();
        for &(upper, count) in &self.buckets {
            while old.next_if(|&(bound, _)| bound < upper).is_some() {}
            let before = old.next_if(|&(bound, _)| bound == upper).map_or(0, |(_, count)| count);
            if count > before {
                buckets.push((upper, count - before));
            }
        }
        let max_ns = buckets.last().map_or(0, |&(upper, _)| upper.min(self.max_ns));
        Self { buckets, max_ns, sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns) }
    }

    /// The same counts as an HDR histogram of three significant digits, in nanoseconds.
    #[must_use]
    pub fn to_hdr(&self) -> Hdr<u64> {
        let mut hdr = Hdr::new(3).expect("three significant digits are allowed");
        for &(upper, count) in &self.buckets {
            // An auto-resizing histogram takes any value that fits its 2^62 range.
            let _ = hdr.record_n(upper.min(self.max_ns.max(1)).min(1 << 61), count);
        }
        hdr
    }
}

/// Reads buckets into a list with room for no more: a line may have thousands of histograms, and a list that grows is copied
/// several times.
fn exactly<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(u64, u64)>, D::Error> {
    struct Buckets;
    impl<'de> Visitor<'de> for Buckets {
        type Value = Vec<(u64, u64)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let mut first = [(0, 0); 64];
            for at in 0..first.len() {
                match from.next_element()? {
                    Some(bucket) => first[at] = bucket,
                    None => return Ok(first[..at].to_vec()),
                }
            }
            let mut buckets = first.to_vec();
            while let Some(bucket) = from.next_element()? {
                buckets.push(bucket);
            }
            Ok(buckets)
        }
    }
    from.deserialize_seq(Buckets)
}

impl From<&Hdr<u64>> for Histogram {
    fn from(hdr: &Hdr<u64>) -> Self {
        let mut sum_ns = 0u64;
        let buckets = hdr
            .iter_recorded()
            .map(|step| {
                let (value, count) = (step.value_iterated_to(), step.count_since_last_iteration());
                sum_ns = sum_ns.saturating_add(value.saturating_mul(count));
                (value, count)
            })
            .collect();
        Self { buckets, max_ns: hdr.max(), sum_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut hdr = Hdr::<u64>::new(3).unwrap();
        for &value in values {
            hdr.record(value).unwrap();
        }
        Histogram::from(&hdr)
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.99), 0);
        assert_eq!(Histogram::default().count(), 0);
    }

    #[test]
    fn quantiles_are_ranks() {
        let histogram = of(&[100, 200, 300, 400]);
        assert_eq!(histogram.quantile(0.0), 100);
        assert_eq!(histogram.quantile(0.5), 200);
        assert_eq!(histogram.quantile(0.51), 300);
        assert_eq!(histogram.quantile(1.0), 400);
    }

    #[test]
    fn a_window_holds_only_what_is_new() {
        let earlier = of(&[100, 500]);
        let mut later = earlier.clone();
        later.merge(&of(&[100, 300]));
        let window = later.since(&earlier);
        assert_eq!(window.buckets, of(&[100, 300]).buckets);
        assert_eq!(window.max_ns, 300);
    }

    proptest! {
        #[test]
        fn merging_counts_everything(a in prop::collection::vec(1u64..1 << 40, 0..50), b in prop::collection::vec(1u64..1 << 40, 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let whole: Vec<u64> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(merged.buckets, of(&whole).buckets);
        }

        #[test]
        fn the_hdr_form_keeps_the_count(values in prop::collection::vec(1u64..1 << 40, 0..50)) {
            prop_assert_eq!(of(&values).to_hdr().len(), values.len() as u64);
        }
    }
}
