//! A task that is spawned and then kept from running: it stands in the one slot that only its worker takes from, and the
//! worker is busy with the poll that spawned it. The other worker gets on meanwhile.
//!
//! Expected: `never-polled` at the marked line, beside `blocking-poll`.

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

/// What the other worker has to do.
async fn tick() {
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn replace_index() {
    let announced = tokio::spawn(announce("the index is being copied")); // found here
    copy_index();
    announced.await.unwrap();
}

async fn announce(what: &str) {
    eprintln!("{what}");
}

/// Stands for a library that waits for a slow disk.
fn copy_index() {
    thread::sleep(Duration::from_millis(2500));
}
