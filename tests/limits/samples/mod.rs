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
    // Its first word is the time on a processor, in nanoseconds.
    let ran = || {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        times.split(' ').next().unwrap().parse().map(Duration::from_nanos).unwrap()
    };
    let begun = ran();
    while ran() - begun < how_long {
        let slice = Instant::now();
        while slice.elapsed() < ms(20) {
            std::hint::black_box((0..1_000u64).fold(0, |sum: u64, n| sum.wrapping_mul(31) ^ n));
        }
    }
}

/// Blocks in a function of its own.
#[inline(never)]
fn block(how_long: Duration) {
    thread::sleep(how_long); // the sleep
}
