//! A thread's sleep in place of a task's.
//!
//! Expected: `blocking-poll` at the marked line, cause `syscall clock_nanosleep`.

use std::thread;
use std::time::Duration;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    tokio::spawn(async { retry().await }).await.unwrap();
}

async fn retry() {
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(250)); // blocks here
        tokio::task::yield_now().await;
    }
}
