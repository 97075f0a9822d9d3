//! A task that is spawned before long work which runs where it may: both workers stay free for it.
//!
//! Expected: no finding.

use std::thread;
use std::time::Duration;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let ticker = tokio::spawn(tick());
    tokio::spawn(replace_index()).await.unwrap();
    ticker.abort();
}

async fn tick() {
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn replace_index() {
    let announced = tokio::spawn(announce("the index is being copied"));
    tokio::task::spawn_blocking(copy_index).await.unwrap();
    announced.await.unwrap();
}

async fn announce(what: &str) {
    eprintln!("{what}");
}

/// Stands for a library that waits for a slow disk.
fn copy_index() {
    thread::sleep(Duration::from_millis(2500));
}
