//! A program that never blocks: many short tasks, timers, and blocking work where it belongs.
//!
//! Expected: no finding.

use std::time::Duration;
use tokio::task::JoinSet;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(ticker());
    }
    tasks.spawn_blocking(|| std::thread::sleep(Duration::from_millis(400)));
    tasks.join_all().await;
}

/// Works a little, waits a little.
async fn ticker() {
    for round in 0..150_u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        std::hint::black_box((0..1_000).fold(round, u64::wrapping_add));
    }
}
