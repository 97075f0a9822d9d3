//! The few functions that probabilities are made of.

/// The logarithm of the gamma function for positive arguments, to some 15 digits (C. Lanczos, SIAM Journal on Numerical Analysis
/// B 1, 1964; the coefficients are those of P. Godfrey for g = 7).
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let sum = (1..9).fold(COEFFICIENTS[0], |sum, at| sum + COEFFICIENTS[at] / (x + at as f64));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The regularized incomplete beta function: the probability that a beta variable with these parameters is at most `x`. By
/// the continued fraction of Abramowitz and Stegun, 26.5.8, as W. J. Lentz evaluates it.
pub(super) fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // It converges fast below the mean; above, the complement does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(1.0 - x, b, a);
    }
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    // As many steps as the root of the parameters, which are counts of durations, and some more.
    let steps = 200 + 10 * (a.max(b).sqrt() as u32);
    for m in 1..=steps {
        let m = f64::from(m);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-14 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// The value that a beta variable is at most with this probability.
pub(super) fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if beta(middle, a, b) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The probability of at most `successes` of so many trials that each succeed with this probability.
pub(super) fn binomial(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    beta(1.0 - probability, (trials - successes) as f64, successes as f64 + 1.0)
}

/// The value that Student's t with these degrees of freedom exceeds with this probability, which is below a half.
pub(super) fn student(probability: f64, freedom: f64) -> f64 {
    // The share of t's square in itself and its freedom is a beta variable.
    let share = beta_quantile(2.0 * probability, 0.5 * freedom, 0.5);
    (freedom * (1.0 - share) / share).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, known: f64) {
        assert!((value - known).abs() <= known.abs() * 1e-6 + 1e-12, "{value} is not {known}");
    }

    /// The first are sums and powers, the last what tables of Student's t have.
    #[test]
    fn they_are_what_tables_say() {
        near(binomial(3, 10, 0.5), 0.171_875);
        near(binomial(0, 5, 0.2), 0.327_68);
        near(beta_quantile(0.025, 10.0, 1.0), 0.691_502_9);
        near(beta_quantile(0.5, 2.0, 2.0), 0.5);
        near(student(0.025, 1.0), 12.706_204_7);
        near(student(0.025, 10.0), 2.228_138_85);
        near(student(0.005, 4.0), 4.604_094_87);
    }

    #[test]
    fn a_sum_of_terms_is_the_same() {
        let (trials, probability) = (40_u64, 0.3_f64);
        let mut term = (1.0 - probability).powi(40);
        let mut sum = 0.0;
        for successes in 0..trials {
            sum += term;
            near(binomial(successes, trials, probability), sum);
            term *= (trials - successes) as f64 / (successes + 1) as f64 * probability / (1.0 - probability);
        }
    }
}
