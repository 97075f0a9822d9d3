//! Work that is started, and lost.

use super::order::LONG;
use super::stage::Stage;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;
use tokio::time::sleep;

#[stallscope::must_await]
async fn save() {
    sleep(LONG).await;
}

pub(super) async fn never_awaited(stage: Stage) -> io::Result<()> {
    drop(here!(stage, save()));
    Ok(())
}

/// What is spawned stands in the one slot that only its worker takes from, and that is busy with the poll that spawned it.
pub(super) async fn never_polled(stage: Stage) -> io::Result<()> {
    let busy = tokio::spawn(async move {
        let spawned = here!(stage, tokio::spawn(async {}));
        thread::sleep(4 * LONG);
        spawned.await
    });
    // What the other worker has to do meanwhile.
    while !busy.is_finished() {
        tokio::spawn(sleep(Duration::from_millis(2))).await.map_err(io::Error::other)?;
    }
    busy.await.map_err(io::Error::other)?.map_err(io::Error::other)
}

pub(super) async fn detached_panic(stage: Stage) -> io::Result<()> {
    drop(stallscope::spawn(async move {
        let order = "a dozen".parse::<u32>();
        here!(stage, order.expect("an order is a number"))
    }));
    sleep(LONG / 3).await;
    Ok(())
}

pub(super) async fn lost_task(stage: Stage) -> io::Result<()> {
    drop(here!(stage, stallscope::spawn(Forgetful)));
    Ok(())
}

/// Keeps nobody's waker.
struct Forgetful;

impl Future for Forgetful {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Goes on until all is over.
pub(super) async fn task_leak(stage: Stage) {
    loop {
        here!(stage, tokio::spawn(pending::<()>()));
        sleep(LONG / 3).await;
    }
}
