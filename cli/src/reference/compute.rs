use std::hint::black_box;
use std::time::{Duration, Instant};

/// Steps between two looks at the clock: a few tens of microseconds' worth.
const STEPS: u64 = 20_000;

/// Computes for a time, and gives the hash that came of it. Never inlined, so that a stack names it.
#[inline(never)]
pub(super) fn hash_for(wait: Duration) -> u64 {
    let started = Instant::now();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    while started.elapsed() < wait {
        hash = hash_steps(black_box(hash));
    }
    hash
}

/// FNV-1a over the numbers up to [`STEPS`], all on one line, which is where a computing thread is found.
#[inline(never)]
fn hash_steps(hash: u64) -> u64 {
    (0..STEPS).fold(hash, |hash, step| (hash ^ step).wrapping_mul(0x0100_0000_01b3))
}
