//! Runs in the root future: what blocks beside the tasks, or in more than one place at once.

use crate::time::LONG;
use std::thread;
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_blocking, yield_now};

pub(super) async fn root_future() {
    yield_now().await;
    thread::sleep(LONG); // blocks here: syscall clock_nanosleep
}

pub(super) async fn local_set() {
    let local = LocalSet::new();
    local.spawn_local(async {
        yield_now().await;
        thread::sleep(LONG); // blocks here: syscall clock_nanosleep
    });
    local.await;
}

pub(super) async fn nested_runtime() {
    let nested = || {
        let mut builder = Builder::new_multi_thread();
        let _guard = stallscope::install(builder.worker_threads(1).enable_all()).unwrap();
        let runtime = builder.build().unwrap();
        let task = runtime.spawn(async {
            thread::sleep(LONG); // blocks here: syscall clock_nanosleep
        });
        runtime.block_on(task).unwrap();
    };
    spawn_blocking(nested).await.unwrap();
}

pub(super) async fn several_workers() {
    let slow = || async {
        thread::sleep(LONG); // blocks here, 2 times: syscall clock_nanosleep
    };
    let (first, second) = (tokio::spawn(slow()), tokio::spawn(slow()));
    first.await.unwrap();
    second.await.unwrap();
}
