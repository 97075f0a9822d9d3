//! What the programs of this suite are busy with.

use crate::harness::ms;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// Computes for some time of the clock.
pub(crate) fn compute(time: Duration) {
    let begun = Instant::now();
    let mut sum = 0_u64;
    while begun.elapsed() < time {
        sum = black_box((0..100).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n));
    }
}

/// Blocks for a few milliseconds, in a way that depends on `turn`.
pub(crate) fn block(turn: u32) {
    match turn % 3 {
        0 => compute(ms(6)),
        1 => thread::sleep(ms(4)),
        _ => {
            compute(ms(3));
            thread::sleep(ms(2));
        }
    }
}

/// Sets the highest rate of captures: from 1 ms on.
pub(crate) fn watch(builder: &mut Builder) -> stallscope::Guard {
    stallscope::Config::new().threshold(ms(1)).install(builder).expect("the runtime can be watched")
}
