//! Tests that fail, or might: those that look at them run them.

mod attributes;
mod blocking;
mod innocent;
mod leaks;
mod neighbours;

use std::thread;
use std::time::{Duration, Instant};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Uses the processor for as long, whatever else the machine does.
fn compute(how_long: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < how_long {
        std::hint::black_box((0..1_000u64).fold(0, |sum: u64, n| sum.wrapping_mul(31) ^ n));
    }
}

/// Blocks in a function of its own.
#[inline(never)]
fn block(how_long: Duration) {
    thread::sleep(how_long); // the sleep
}
