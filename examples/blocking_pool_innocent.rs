//! As much blocking work as `blocking_pool` has, and never more at a time than the pool has threads for.
//!
//! Expected: no finding.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

fn main() -> io::Result<()> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(2).enable_all();
    let _guard = stallscope::install(&mut builder).map_err(io::Error::other)?;
    builder.build()?.block_on(async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let (mut thumbnails, free) = (JoinSet::new(), Arc::new(Semaphore::new(2)));
        for _ in 0..8 {
            let free = Arc::clone(&free);
            thumbnails.spawn(async move {
                // Waits here, where it takes no thread and may be cancelled.
                let _permit = free.acquire().await.expect("it is never closed");
                spawn_blocking(render).await.expect("it does not panic");
            });
        }
        thumbnails.join_all().await;
    });
    Ok(())
}

/// Stands for work that takes long.
fn render() {
    thread::sleep(Duration::from_millis(300));
}
