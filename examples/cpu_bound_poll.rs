//! A poll that computes for long without a point to yield at.
//!
//! Expected: `blocking-poll` in the marked function, cause `cpu`.

use std::hint::black_box;
use std::time::Duration;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let found = tokio::spawn(async { search(50_000) }).await.unwrap();
    assert_eq!(found, 5_133);
}

/// Counts the primes below a number: as much work however busy the machine is.
fn search(limit: u64) -> u64 {
    let mut found = 0;
    for candidate in 2..limit {
        let mut divisor = 2;
        while !black_box(candidate).is_multiple_of(divisor) {
            divisor += 1; // blocks here
        }
        found += u64::from(divisor == candidate);
    }
    found
}
