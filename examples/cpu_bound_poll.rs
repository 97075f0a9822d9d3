//! A poll that computes for long without a point to yield at.
//!
//! Expected: `blocking-poll` in the marked function, cause `cpu`.

use std::hint::black_box;
use std::time::{Duration, Instant};

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    tokio::spawn(async { search(Duration::from_secs(1)) }).await.unwrap();
}

/// Counts primes until the time is over.
fn search(time: Duration) -> u64 {
    let begun = Instant::now();
    let mut found = 0;
    for candidate in 2_u64.. {
        if begun.elapsed() > time {
            break;
        }
        found += u64::from((2..candidate).all(|divisor| !black_box(candidate).is_multiple_of(divisor))); // blocks here
    }
    found
}
