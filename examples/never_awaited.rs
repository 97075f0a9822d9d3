//! A future that is made and kept, and that nobody awaits: its work is never done.
//!
//! Expected: `never-awaited` at the marked line.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    let mut later: Vec<Job> = Vec::new();
    for order in 0..3 {
        answer(order).await;
        later.push(Box::pin(save(order))); // found here
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    // The jobs are dropped as they are.
}

async fn answer(order: u32) {
    tokio::time::sleep(Duration::from_millis(100 + u64::from(order))).await;
}

#[stallscope::must_await]
async fn save(order: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(order))).await;
}
