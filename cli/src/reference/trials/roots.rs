//! What blocks beside the spawned tasks, and what looks like blocking and is none.

use super::order::LONG;
use super::stage::Stage;
use std::io;
use std::thread;
use tokio::task::{LocalSet, spawn_blocking, yield_now};

pub(super) async fn root_future(stage: Stage) -> io::Result<()> {
    yield_now().await;
    here!(stage, thread::sleep(LONG));
    Ok(())
}

pub(super) async fn local_set(stage: Stage) -> io::Result<()> {
    let local = LocalSet::new();
    let task = local.spawn_local(async move {
        yield_now().await;
        in_a_local_set(&stage);
    });
    local.await;
    task.await.map_err(io::Error::other)
}

#[inline(never)]
fn in_a_local_set(stage: &Stage) {
    here!(stage, thread::sleep(LONG));
}

/// The same work, done as it ought to be.
pub(super) async fn innocent(_: Stage) -> io::Result<()> {
    tokio::time::sleep(LONG).await;
    spawn_blocking(|| thread::sleep(LONG / 3)).await.map_err(io::Error::other)
}

/// The machine is busy elsewhere, for all that this process can tell.
pub(super) async fn stopped(stage: Stage) -> io::Result<()> {
    stage.stop_me();
    tokio::time::sleep(3 * LONG).await;
    Ok(())
}
