//! A future of the program's own forgets who is to be woken: the task that awaits it waits for ever.
//!
//! Expected: `lost-task` at the marked line, still going on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    let open = Arc::new(AtomicBool::new(false));
    let _waits = stallscope::spawn(Gate(Arc::clone(&open))); // found here
    sleep(Duration::from_millis(100)).await;
    // Too late, and nobody is told.
    open.store(true, Ordering::Release);
    sleep(Duration::from_secs(4)).await;
}

struct Gate(Arc<AtomicBool>);

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}
