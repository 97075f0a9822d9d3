//! Tests that block nothing, however busy the machine is.

use super::ms;
use std::hint::black_box;
use std::time::Instant;
use tokio::time::sleep;

/// Some work, far less than what blocks.
fn work() {
    black_box((0..20_000u64).fold(0, |sum: u64, n| black_box(sum.wrapping_mul(31) ^ n)));
}

async fn works() {
    let tasks = (0..8).map(|task| {
        tokio::spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < ms(600) {
                work();
                sleep(ms(2 + task % 3)).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        work();
        task.await.unwrap();
    }
}

#[stallscope::test(max_stall = "20ms", max_leaked_tasks = 0)]
#[ignore = "is run by another test"]
async fn on_one_thread() {
    works().await;
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 2, max_stall = "20ms", max_leaked_tasks = 0)]
#[ignore = "is run by another test"]
async fn on_two_workers() {
    works().await;
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "is run by another test"]
async fn that_is_over_at_once() {
    work();
}
