//! What looks like blocking and is not.

use crate::time::{LONG, spent};
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinSet, block_in_place, spawn_blocking, yield_now};
use tokio::time::sleep;

pub(super) async fn blocking_pool() {
    spawn_blocking(|| thread::sleep(LONG)).await.unwrap();
}

// only on multi_thread: tokio allows it there alone
pub(super) async fn in_place() {
    block_in_place(|| thread::sleep(LONG));
    yield_now().await;
    block_in_place(|| thread::sleep(LONG));
}

pub(super) async fn long_awaits() {
    sleep(LONG).await;
    tokio::spawn(sleep(LONG)).await.unwrap();
}

pub(super) async fn short_polls() {
    for _ in 0..100 {
        let until = spent() + Duration::from_millis(2);
        while spent() < until {
            black_box((0..1000_u64).fold(0, |sum, n| black_box(sum ^ n)));
        }
        yield_now().await;
    }
}

pub(super) async fn busy_server() {
    let (listener, until) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Instant::now() + 2 * LONG);
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut requests, mut answers) = client.into_split();
            tokio::spawn(async move { copy(&mut requests, &mut answers).await });
        }
    });
    let ask = || async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        while Instant::now() < until {
            stream.write_all(&[7; 64]).await.unwrap();
            stream.read_exact(&mut [0; 64]).await.unwrap();
        }
    };
    (0..32).map(|_| ask()).collect::<JoinSet<()>>().join_all().await;
}

pub(super) async fn idle_tasks() {
    let gate = Arc::new(Semaphore::new(0));
    let mut tasks = JoinSet::new();
    for count in 0..10_000 {
        let gate = Arc::clone(&gate);
        tasks.spawn(async move { gate.acquire().await.is_err() });
        if count % 100 == 0 {
            yield_now().await;
        }
    }
    sleep(LONG).await;
    gate.add_permits(1);
    while tasks.join_next().await.is_some() {}
}

pub(super) async fn async_locks() {
    let lock = Arc::new(Mutex::new(()));
    let held = Arc::clone(&lock).lock_owned().await;
    tokio::spawn(async move {
        sleep(LONG).await;
        drop(held);
    });
    drop(lock.lock().await);
}

pub(super) async fn async_child() {
    let mut child = Command::new("sleep");
    child.arg(LONG.as_secs_f64().to_string()).status().await.unwrap();
}

// with STALLSCOPE_GRACE=10s
pub(super) async fn start_up() {
    thread::sleep(LONG);
    tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
}
