//! A task panics after its handle was dropped: nobody hears of it, and what it was to do is not done.
//!
//! Expected: `detached-panic` at the marked line.

use std::time::Duration;
use tokio::time::sleep;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    for order in ["12", "a dozen", "3"] {
        drop(stallscope::spawn(book(order)));
    }
    sleep(Duration::from_secs(1)).await;
}

async fn book(order: &str) -> u32 {
    sleep(Duration::from_millis(100)).await;
    order.parse().expect("an order is a number") // found here
}
