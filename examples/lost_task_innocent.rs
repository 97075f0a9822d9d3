//! Tasks that wait for as long as the program runs: each is kept by what may wake it.
//!
//! Expected: no finding.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

#[stallscope::main(worker_threads = 2)]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let (sender, mut receiver) = mpsc::channel::<()>(1);
    let notify = Arc::new(Notify::new());
    let notified = Arc::clone(&notify);
    let kept: Arc<Mutex<Option<Waker>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    let tasks = [
        stallscope::spawn(async move { while listener.accept().await.is_ok() {} }),
        stallscope::spawn(sleep(Duration::from_secs(3600))),
        stallscope::spawn(async move { while receiver.recv().await.is_some() {} }),
        stallscope::spawn(async move { notified.notified().await }),
        stallscope::spawn(poll_fn(move |context| {
            *keeper.lock().unwrap() = Some(context.waker().clone());
            Poll::Pending
        })),
    ];
    sleep(Duration::from_secs(4)).await;
    drop((sender, notify, kept, tasks));
}
