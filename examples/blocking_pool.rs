//! More blocking work than the pool has threads for: what comes last waits for a second.
//!
//! Expected: `blocking-pool` at the marked line.

use std::io;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};

fn main() -> io::Result<()> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(2).enable_all();
    let _guard = stallscope::install(&mut builder).map_err(io::Error::other)?;
    builder.build()?.block_on(async {
        // Past the start-up grace.
        tokio::time::sleep(Duration::from_millis(600)).await;
        let mut thumbnails = JoinSet::new();
        for _ in 0..8 {
            thumbnails.spawn(async { spawn_blocking(render).await.expect("it does not panic") });
        }
        thumbnails.join_all().await;
    });
    Ok(())
}

/// Stands for work that takes long.
fn render() {
    thread::sleep(Duration::from_millis(300)); // found here
}
