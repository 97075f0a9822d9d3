//! Futures that are kept and awaited later, some cancelled when they take too long.
//!
//! Expected: no finding.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    let mut later: Vec<Job> = Vec::new();
    for order in 0..3 {
        answer(order).await;
        later.push(Box::pin(save(order)));
    }
    for job in later {
        let _ = timeout(Duration::from_millis(200), job).await;
    }
    // Handed to a task that is aborted before it comes to poll it.
    tokio::spawn(save(0)).abort();
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn answer(order: u32) {
    tokio::time::sleep(Duration::from_millis(100 + u64::from(order))).await;
}

/// Takes longer with each order; the last one is given up.
#[stallscope::must_await]
async fn save(order: u32) {
    tokio::time::sleep(Duration::from_millis(150 * u64::from(order))).await;
}
