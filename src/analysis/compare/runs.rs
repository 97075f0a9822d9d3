//! What lies between runs.

use super::special::student;

/// How often the runs are drawn anew.
const DRAWS: usize = 2000;
/// Where the draws begin, so that the same runs always say the same.
const SEED: u64 = 0x5354_414c_4c53_434f;
/// Runs that do not differ at all were measured no finer than this share of their value.
const RESOLUTION: f64 = 0.005;

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Whether all of one side lie above all of the other.
pub(super) fn are_apart(low: &[f64], high: &[f64]) -> bool {
    low.iter().all(|low| high.iter().all(|high| high > low))
}

/// Whether the mean of one side is above that of the other, and with no more than this probability by chance.
pub(super) fn are_higher(low: &[f64], high: &[f64], chance: f64) -> bool {
    welch(low, high, chance) > 0.0 && bootstrap(low, high, chance) > 0.0
}

/// The variance of a mean, and its degrees of freedom.
fn spread(values: &[f64]) -> (f64, f64) {
    let (mean, count) = (mean(values), values.len() as f64);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = (squares / (count - 1.0)).max((mean * RESOLUTION).powi(2));
    (variance / count, count - 1.0)
}

/// The least difference of the means.
fn welch(low: &[f64], high: &[f64], chance: f64) -> f64 {
    let ((one, one_free), (other, other_free)) = (spread(low), spread(high));
    let both = one + other;
    if both <= 0.0 {
        return mean(high) - mean(low);
    }
    let freedom = both.powi(2) / (one.powi(2) / one_free + other.powi(2) / other_free);
    mean(high) - mean(low) - student(chance, freedom) * both.sqrt()
}

/// The same, as the runs drawn anew tell.
fn bootstrap(low: &[f64], high: &[f64], chance: f64) -> f64 {
    let mut random = Random(SEED);
    let mut drawn: Vec<_> = (0..DRAWS).map(|_| random.mean_of(high) - random.mean_of(low)).collect();
    drawn.sort_by(f64::total_cmp);
    drawn[((chance * DRAWS as f64) as usize).min(DRAWS - 1)]
}

/// Numbers that look random (S. Vigna's splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn mean_of(&mut self, values: &[f64]) -> f64 {
        let drawn = values.iter().map(|_| values[(self.next() % values.len() as u64) as usize]);
        drawn.sum::<f64>() / values.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_overlap_are_not_higher() {
        let base = [10.0, 11.0, 9.0, 10.5, 9.5];
        assert!(are_higher(&base, &[20.0, 21.0, 19.0, 20.5, 19.5], 0.01));
        assert!(!are_higher(&base, &[10.2, 11.2, 9.1, 10.4, 9.8], 0.01));
        assert!(!are_higher(&base, &[9.0, 60.0, 9.5, 10.0, 8.0], 0.01), "one odd run is no change");
    }

    #[test]
    fn runs_that_are_all_the_same_are_told_apart() {
        assert!(are_higher(&[0.0; 5], &[1.0; 5], 0.001));
        assert!(!are_higher(&[1.0; 5], &[1.0; 5], 0.4));
        assert!(!are_higher(&[1.0, 1.0, 1.0], &[1.001, 1.001, 1.001], 0.05), "no finer than it is measured");
    }

    #[test]
    fn apart_means_all_of_them() {
        assert!(are_apart(&[1.0], &[2.0, 3.0]) && !are_apart(&[2.5], &[2.0, 3.0]));
    }
}
