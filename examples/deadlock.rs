//! Two tasks that each hold the lock that the other wants. Never ends: end it with Ctrl-C.
//!
//! Expected: `blocking-poll` at the marked line, cause `lock mutex`, still going on.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (left, right) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let both_hold_one = Arc::new(Barrier::new(2));
    let first = tokio::spawn(take(Arc::clone(&left), Arc::clone(&right), Arc::clone(&both_hold_one)));
    let second = tokio::spawn(take(right, left, both_hold_one));
    let _ = tokio::join!(first, second);
}

async fn take(mine: Arc<Mutex<()>>, others: Arc<Mutex<()>>, both_hold_one: Arc<Barrier>) {
    let _mine = mine.lock().unwrap();
    both_hold_one.wait();
    let _others = others.lock().unwrap(); // blocks here
}
