//! Figures as people read them: short, so that a column has one width.

/// A large count in at most five characters: `999`, `12.3k`, `4.2M`.
pub(crate) fn count(count: u64) -> String {
    let scaled = |divisor: f64, unit: &str| {
        let value = count as f64 / divisor;
        if value < 99.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
    };
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_499 => scaled(1e3, "k"),
        999_500..=999_499_999 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// How often a second, as short.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 9.95 { format!("{per_second:.1}") } else { count(per_second.round() as u64) }
}

/// A number of bytes: `999B`, `3.2KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes}B"),
        1024..=1_048_575 => format!("{:.1}KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1}MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_stay_short() {
        for (number, text) in [(9_999, "9999"), (12_345, "12.3k"), (999_500, "1.0M"), (123_456_789, "123M")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        assert_eq!([900, 3_276, 5 << 20].map(bytes), ["900B", "3.2KiB", "5.0MiB"]);
    }
}
