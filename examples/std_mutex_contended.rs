//! A standard mutex, held by a thread for long, that a task wants.
//!
//! Expected: `blocking-poll` at the marked line, cause `lock mutex`.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Past the start-up grace.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let stock = Arc::new(Mutex::new(7));
    let held = Arc::clone(&stock);
    let inventory = thread::spawn(move || {
        let mut stock = held.lock().unwrap();
        thread::sleep(Duration::from_millis(500));
        *stock += 1;
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::spawn(async move {
        let stock = stock.lock().unwrap(); // blocks here
        assert_eq!(*stock, 8);
    })
    .await
    .unwrap();
    inventory.join().unwrap();
}
