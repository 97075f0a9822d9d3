//! Tests that run at the same time, half of which block.

use super::{block, ms};
use std::time::Instant;
use tokio::time::sleep;

/// Runs beside the others for as long as they do.
async fn waits() {
    let begun = Instant::now();
    while begun.elapsed() < ms(800) {
        sleep(ms(3)).await;
        tokio::spawn(sleep(ms(1))).await.unwrap();
    }
}

async fn blocks() {
    sleep(ms(100)).await;
    tokio::spawn(async { block(ms(600)) }).await.unwrap();
    sleep(ms(100)).await;
}

macro_rules! tests {
    ($($name:ident: $flavor:literal, $max:literal, $what:ident;)*) => {$(
        #[stallscope::test(flavor = $flavor, max_stall = $max, max_leaked_tasks = 0)]
        #[ignore = "is run by another test"]
        async fn $name() {
            $what().await;
        }
    )*};
}

tests! {
    guilty_of_one_thread: "current_thread", "100ms", blocks;
    guilty_of_several: "multi_thread", "100ms", blocks;
    allowed_of_one_thread: "current_thread", "5s", blocks;
    allowed_of_several: "multi_thread", "5s", blocks;
    innocent_of_one_thread: "current_thread", "100ms", waits;
    innocent_of_several: "multi_thread", "100ms", waits;
}
