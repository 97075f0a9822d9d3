//! A heartbeat for each connection, which ends with it.
//!
//! Expected: no finding.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time;

fn main() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    // A server that runs for days may take longer to tell.
    let config = stallscope::Config::new().leak_window(Duration::from_secs(2));
    let guard = config.install(&mut builder);
    builder.build().unwrap().block_on(serve(100));
    drop(guard);
}

/// A connection each 50 ms.
async fn serve(connections: u32) {
    let mut accepted = time::interval(Duration::from_millis(50));
    let mut open = JoinSet::new();
    for _ in 0..connections {
        accepted.tick().await;
        open.spawn(connection());
        while open.try_join_next().is_some() {}
    }
    open.join_all().await;
}

async fn connection() {
    let hung_up = Arc::new(Notify::new());
    tokio::spawn(heartbeat(Arc::clone(&hung_up)));
    time::sleep(Duration::from_millis(100)).await;
    hung_up.notify_one();
}

async fn heartbeat(hung_up: Arc<Notify>) {
    let mut beats = time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = hung_up.notified() => return,
        }
    }
}
