//! What calls returned, and how often.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::io;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// By the call's name and what it returned.
#[derive(Debug, Default)]
pub(super) struct Outcomes(BTreeMap<(String, String), u32>);

impl Outcomes {
    pub(super) fn add(&mut self, name: &str, outcome: String) {
        *self.0.entry((name.to_owned(), outcome)).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (kind, count) in other.0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// Which calls returned what.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.keys()
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|((name, outcome), count)| writeln!(f, "{name}\t{outcome}\t{count}"))
    }
}

impl FromStr for Outcomes {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let kind = |line: &str| {
            let [name, outcome, count] =
                line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
            ((name.to_owned(), outcome.to_owned()), count.parse().expect("a count"))
        };
        Ok(Self(text.lines().map(kind).collect()))
    }
}

/// What a call of libc returned: a number, or why it failed.
pub(super) fn returned(value: impl Into<i64>) -> String {
    match value.into() {
        value @ 0.. => value.to_string(),
        _ => io::Error::last_os_error().to_string(),
    }
}

/// What `call` returned, and whether that was before `least` had passed.
pub(super) fn lasting(least: Duration, call: impl FnOnce() -> String) -> String {
    let begun = Instant::now();
    let outcome = call();
    if begun.elapsed() < least { format!("{outcome}, early") } else { outcome }
}

/// Computes for up to 4 ms, or not at all, by what `seed` makes of it.
pub(super) fn compute(seed: u64) {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (begun, time) = (Instant::now(), Duration::from_micros((mixed % 8000).saturating_sub(4000)));
    let mut sum = seed;
    while begun.elapsed() < time {
        sum = black_box((0..100).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n));
    }
}
