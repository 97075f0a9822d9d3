//! Tasks that fail, are aborted, and are left alone: each failure is seen by somebody.
//!
//! Expected: no finding.

use stallscope::task::JoinSet;
use std::future::pending;
use std::time::Duration;
use tokio::time::sleep;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    // Awaited, and the failure seen.
    assert!(stallscope::spawn(book("a dozen")).await.is_err());
    let mut orders: JoinSet<u32> = ["12", "a dozen", "3"].into_iter().map(book).collect();
    let mut booked = 0;
    while let Some(order) = orders.join_next().await {
        booked += order.unwrap_or(0);
    }
    assert_eq!(booked, 15);
    // Left alone, and it does not fail.
    drop(stallscope::spawn(book("7")));
    // Aborted, which is no failure.
    let waits = stallscope::spawn(pending::<()>());
    waits.abort();
    drop(waits);
    sleep(Duration::from_secs(1)).await;
}

async fn book(order: &str) -> u32 {
    sleep(Duration::from_millis(100)).await;
    order.parse().expect("an order is a number")
}
