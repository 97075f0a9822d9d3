//! Durations as people write them: `250us`, `20ms`, `1.5s`.

use std::fmt;
use std::time::Duration;

/// The units, longest first.
const UNITS: [(&str, u64); 5] =
    [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];

/// Reads a duration: a number, with or without decimals, and a unit (`ns`, `us`, `ms`, `s`, `m`, `h`).
///
/// # Errors
/// Says what is missing or wrong, and gives an example.
///
/// ```
/// use std::time::Duration;
/// use stallscope_wire::duration::parse;
/// assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
/// assert_eq!(parse("5").unwrap_err().to_string(), "the duration \"5\" has no unit: write it like 250us, 20ms or 1.5s");
/// ```
pub fn parse(text: &str) -> Result<Duration, ParseError> {
    let fail = |problem| ParseError { text: text.to_owned(), problem };
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    if number.is_empty() {
        return Err(fail(Problem::NoNumber));
    }
    let unit = unit.trim_start();
    let nanos = match unit {
        "" => return Err(fail(Problem::NoUnit)),
        "ns" => 1,
        "µs" | "μs" => 1_000,
        _ => UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|&(_, nanos)| nanos)
            .ok_or_else(|| fail(Problem::BadUnit(unit.to_owned())))?,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.ends_with('.') || fraction.contains('.') {
        return Err(fail(Problem::BadNumber));
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| fail(Problem::TooLong))? };
    let whole = whole.checked_mul(nanos).ok_or_else(|| fail(Problem::TooLong))?;
    let digits = &fraction[..fraction.len().min(12)];
    let part = digits
        .parse::<u64>()
        .map_or(0, |part| u128::from(part) * u128::from(nanos) / 10u128.pow(digits.len() as u32));
    let total = whole.checked_add(part as u64).ok_or_else(|| fail(Problem::TooLong))?;
    Ok(Duration::from_nanos(total))
}

/// Writes nanoseconds as people read them: three significant digits, the unit that leaves one to three before the point.
///
/// ```
/// use stallscope_wire::duration::show;
/// assert_eq!(show(312_400_000).to_string(), "312ms");
/// assert_eq!(show(1_500_000_000).to_string(), "1.5s");
/// assert_eq!(show(0).to_string(), "0ns");
/// ```
#[must_use]
pub fn show(nanos: u64) -> Show {
    Show(nanos)
}

/// See [`show`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show(u64);

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0;
        let text = if nanos < 1_000 {
            format!("{nanos}ns")
        } else if nanos >= 120_000_000_000 {
            let seconds = nanos / 1_000_000_000;
            if seconds >= 7_200 {
                format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60)
            } else {
                format!("{}m{:02}s", seconds / 60, seconds % 60)
            }
        } else {
            // A value that rounds up to 1000 of one unit is shown as 1 of the next.
            let (unit, scale) = [("us", 1e3), ("ms", 1e6), ("s", 1e9)]
                .into_iter()
                .find(|&(unit, scale)| unit == "s" || (nanos as f64 / scale) < 999.5)
                .unwrap_or(("s", 1e9));
            let value = nanos as f64 / scale;
            let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
            let digits = format!("{value:.places$}");
            let digits = if digits.contains('.') {
                digits.trim_end_matches('0').trim_end_matches('.')
            } else {
                &digits
            };
            format!("{digits}{unit}")
        };
        f.pad(&text)
    }
}

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    text: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    NoNumber,
    NoUnit,
    BadUnit(String),
    BadNumber,
    TooLong,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match &self.problem {
            Problem::NoNumber => write!(f, "the duration \"{text}\" has no number")?,
            Problem::NoUnit => write!(f, "the duration \"{text}\" has no unit")?,
            Problem::BadUnit(unit) => write!(f, "the duration \"{text}\" has the unknown unit \"{unit}\"")?,
            Problem::BadNumber => write!(f, "the duration \"{text}\" has a malformed number")?,
            Problem::TooLong => write!(f, "the duration \"{text}\" is too long")?,
        }
        f.write_str(": write it like 250us, 20ms or 1.5s")
    }
}

impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_three_digits_in_the_fitting_unit() {
        for (nanos, text) in [
            (999, "999ns"),
            (1_000, "1us"),
            (1_234, "1.23us"),
            (99_950, "100us"),
            (999_499, "999us"),
            (999_500, "1ms"),
            (20_000_000, "20ms"),
            (312_400_000, "312ms"),
            (999_999_999, "1s"),
            (61_000_000_000, "61s"),
            (125_000_000_000, "2m05s"),
            (7_260_000_000_000, "2h01m"),
        ] {
            assert_eq!(show(nanos).to_string(), text, "{nanos}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in ["", "ms", "5", "5 parsecs", "1.ms", "1.2.3s", "-5ms", "99999999999999h", "1e3ms"] {
            assert!(parse(text).is_err(), "{text:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }

        #[test]
        fn reads_back_what_it_shows(nanos in 0u64..100_000_000_000) {
            let read = parse(&show(nanos).to_string()).unwrap().as_nanos() as f64;
            prop_assert!((read - nanos as f64).abs() <= nanos as f64 * 0.006);
        }
    }
}
