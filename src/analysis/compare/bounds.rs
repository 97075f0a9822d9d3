use super::runs;
use super::sample::Sample;
use super::special::{beta_quantile, binomial};
use super::{Limits, Quantity, Subject};
use stallscope_wire::Histogram;

/// So many durations of one run tell as much as one that is independent of the others.
const ALIKE: u64 = 4;
/// By so much of its value a whole run may be off, for reasons that no run can tell of itself: where code and data lie, what else the
/// machine does.
const BETWEEN_RUNS: f64 = 0.25;
/// From so many runs on, each side, what lies between them says enough by itself.
const MANY_RUNS: usize = 4;

/// One number of one side.
#[derive(Debug)]
pub(super) struct Side {
    /// One value for each run in which it could be seen.
    runs: Vec<f64>,
    whole: Whole,
}

/// What the runs of a side say together.
#[derive(Debug)]
enum Whole {
    /// A quantile of durations.
    Quantile(Histogram, f64),
    /// Events, in a time in minutes.
    Events { count: f64, minutes: f64 },
    /// Lengths added up, of which the longest is known, in a time in minutes.
    Time { total_ns: f64, longest_ns: f64, minutes: f64 },
    /// The greatest of the runs.
    Greatest,
    /// The average of the runs.
    Average,
}

impl Side {
    pub(super) fn of_culprit(samples: &[Sample], key: &str, quantity: Quantity) -> Self {
        let seen = |sample: &Sample| sample.culprits.get(key).cloned().unwrap_or_default();
        let minutes: f64 = samples.iter().map(|sample| sample.minutes).sum();
        let sum = |of: fn(&super::sample::Blocked) -> u64| {
            samples.iter().map(|sample| of(&seen(sample)) as f64).sum::<f64>()
        };
        let run = |sample: &Sample| {
            let blocked = seen(sample);
            match quantity {
                Quantity::StallsPerMinute => blocked.count as f64 / sample.minutes,
                Quantity::BlockedPerMinute => blocked.total_ns as f64 / sample.minutes,
                _ => blocked.longest_ns as f64,
            }
        };
        let whole = match quantity {
            Quantity::StallsPerMinute => Whole::Events { count: sum(|blocked| blocked.count), minutes },
            Quantity::BlockedPerMinute => {
                let longest = samples.iter().map(|sample| seen(sample).longest_ns).max().unwrap_or(0);
                Whole::Time { total_ns: sum(|blocked| blocked.total_ns), longest_ns: longest as f64, minutes }
            }
            _ => Whole::Greatest,
        };
        Self { runs: samples.iter().map(run).collect(), whole }
    }

    pub(super) fn of_distribution(samples: &[Sample], subject: &Subject, quantity: Quantity) -> Self {
        let share = if quantity == Quantity::P50 { 0.5 } else { 0.99 };
        let seen: Vec<_> = samples.iter().filter_map(|sample| sample.distributions.get(subject)).collect();
        let runs = seen.iter().map(|histogram| histogram.quantile(share) as f64).collect();
        let mut whole = Histogram::default();
        seen.into_iter().for_each(|histogram| whole.merge(histogram));
        Self { runs, whole: Whole::Quantile(whole, share) }
    }

    pub(super) fn of_site(samples: &[Sample], place: &str, quantity: Quantity) -> Self {
        let seen = samples.iter().filter_map(|sample| sample.sites.get(place));
        let value = |site: &super::sample::Site| match quantity {
            Quantity::Mean => site.mean_ns,
            _ => site.p99_ns,
        };
        Self { runs: seen.filter_map(value).collect(), whole: Whole::Average }
    }

    /// Whether it was there at all.
    pub(super) fn is_seen(&self) -> bool {
        match &self.whole {
            Whole::Quantile(histogram, _) => histogram.count() > 0,
            Whole::Events { count, .. } => *count > 0.0,
            Whole::Time { total_ns, .. } => *total_ns > 0.0,
            Whole::Greatest => self.runs.iter().any(|&run| run > 0.0),
            Whole::Average => !self.runs.is_empty(),
        }
    }

    /// The estimate; none where nothing was seen.
    pub(super) fn value(&self) -> Option<f64> {
        self.is_seen().then(|| match &self.whole {
            Whole::Quantile(histogram, share) => histogram.quantile(*share) as f64,
            Whole::Events { count, minutes } => count / minutes,
            Whole::Time { total_ns, minutes, .. } => total_ns / minutes,
            Whole::Greatest => self.runs.iter().copied().fold(0.0, f64::max),
            Whole::Average => runs::mean(&self.runs),
        })
    }
}

/// How much is asked of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    /// The probability with which chance alone may pass for a change, in one comparison.
    pub(super) chance: f64,
    pub(super) limits: Limits,
}

/// What speaks for one side being higher than the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    /// A difference could be told from chance.
    pub(super) testable: bool,
    /// It is there, and chance does not explain it.
    pub(super) certain: bool,
    /// By how many times the one side is higher at least, as all of its runs together tell; none where they do not.
    pub(super) ratio: Option<f64>,
}

impl Evidence {
    /// Whether the change is large enough for anybody to care.
    pub(super) fn matters(&self, quantity: Quantity, before: f64, after: f64) -> bool {
        let change = (after - before).abs();
        let least = if quantity.is_time() { self.limits.min_time_ns as f64 } else { 0.0 };
        change > 0.0 && change >= before * self.limits.min_change && change >= least
    }

    /// What there is to say for the one side being higher than the other.
    pub(super) fn weigh(&self, low: &Side, high: &Side) -> Weight {
        let ratio = self.ratio(low, high);
        let several = low.runs.len() > 1 && high.runs.len() > 1;
        Weight { testable: several || ratio.is_some(), certain: self.is_higher(low, high, ratio), ratio }
    }

    /// Whether it is, and chance does not explain it.
    fn is_higher(&self, low: &Side, high: &Side, ratio: Option<f64>) -> bool {
        let alone = low.runs.len() == 1 || high.runs.len() == 1;
        let least = if alone { 1.0 + BETWEEN_RUNS } else { 1.0 };
        let whole = ratio.map(|ratio| ratio > least);
        let runs = match (low.runs.len(), high.runs.len()) {
            (0, _) | (_, 0) => return false,
            (1, 1) => None,
            (1, _) | (_, 1) => Some(runs::are_apart(&low.runs, &high.runs)),
            _ => Some(runs::are_higher(&low.runs, &high.runs, self.chance)),
        };
        let many = low.runs.len().min(high.runs.len()) >= MANY_RUNS;
        match (whole, runs) {
            (_, Some(runs)) if many => runs,
            (Some(whole), Some(runs)) => whole && runs,
            (Some(whole), None) => whole,
            (None, Some(runs)) => runs && low.runs.len() > 1 && high.runs.len() > 1,
            (None, None) => false,
        }
    }

    /// By how many times the one side is higher at least, as all of its runs together tell; none where they do not.
    fn ratio(&self, low: &Side, high: &Side) -> Option<f64> {
        match (&low.whole, &high.whole) {
            (Whole::Quantile(low, share), Whole::Quantile(high, _)) => {
                let upper = quantile_bounds(low, *share, 0.5 * self.chance).1?;
                let lower = quantile_bounds(high, *share, 0.5 * self.chance).0?;
                Some(lower as f64 / (upper as f64).max(1.0))
            }
            (
                Whole::Events { count: few, minutes: before },
                Whole::Events { count: many, minutes: after },
            ) => Some(rate_ratio((*few, *before), (*many, *after), self.chance)),
            (
                Whole::Time { total_ns: few, longest_ns: one, minutes: before },
                Whole::Time { total_ns: many, longest_ns: other, minutes: after },
            ) => {
                let unit = one.max(*other);
                (unit > 0.0).then(|| rate_ratio((few / unit, *before), (many / unit, *after), self.chance))
            }
            _ => None,
        }
    }
}

/// The durations between which the quantile lies: each end is wrong with this probability. None where there are too few
/// durations for an end.
fn quantile_bounds(histogram: &Histogram, share: f64, chance: f64) -> (Option<u64>, Option<u64>) {
    let count = histogram.count() / ALIKE;
    let at = |rank: u64| histogram.quantile(rank as f64 / count as f64);
    // The greatest rank that at most so many are below with that probability, and its mirror image.
    let below = |rank: u64| binomial(rank - 1, count, share);
    let lower = last(count, |rank| below(rank) <= chance).map(at);
    let upper = last(count, |rank| 1.0 - below(rank) > chance).map_or(1, |rank| rank + 1);
    (lower, (upper <= count && count > 0).then(|| at(upper)))
}

/// The last rank from 1 to `count` for which something holds that holds up to some rank.
fn last(count: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) { low = middle } else { high = middle - 1 }
    }
    (low > 0).then_some(low)
}

/// By how many times the second rate is higher than the first, at least. Counts need not be whole.
fn rate_ratio((few, before): (f64, f64), (many, after): (f64, f64), chance: f64) -> f64 {
    if many <= 0.0 {
        return 0.0;
    }
    let share = beta_quantile(chance, many, few + 1.0);
    share / (1.0 - share) * before / after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.merge(&Histogram { buckets: vec![(value, 1)], max_ns: value, sum_ns: value });
        }
        histogram
    }

    #[test]
    fn a_quantile_lies_between_its_bounds() {
        let (lower, upper) = quantile_bounds(&of(1..=4000), 0.5, 0.025);
        let (lower, upper) = (lower.expect("enough"), upper.expect("enough"));
        assert!(lower < 2000 && 2000 < upper && upper - lower < 300, "{lower} to {upper}");
        assert_eq!(quantile_bounds(&of(1..=40), 0.99, 0.025).1, None, "ten are too few for a p99");
        assert_eq!(quantile_bounds(&Histogram::default(), 0.5, 0.025), (None, None));
    }

    /// With a share of 0.500561303 the chance of 20 or more out of 30 is 5 %, as the sum of its terms says.
    #[test]
    fn rates_are_bounded_exactly() {
        let ratio = rate_ratio((10.0, 1.0), (20.0, 1.0), 0.05);
        assert!((ratio - 1.002_247_735).abs() < 1e-8, "{ratio}");
        assert!(rate_ratio((0.0, 1.0), (5.0, 1.0), 0.05) > 1.0);
        assert!(rate_ratio((0.0, 1.0), (4.0, 1.0), 0.05) < 1.0);
        assert_eq!(rate_ratio((3.0, 1.0), (0.0, 1.0), 0.05), 0.0);
    }
}
