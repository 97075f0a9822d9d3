//! Waiting for another thread.

use crate::time::{LONG, later};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock, mpsc};
use std::thread;
use tokio::sync::oneshot;

/// Takes something on another thread, which gives it back after a while; returns when it is taken.
fn held_elsewhere<G>(take: impl FnOnce() -> G + Send + 'static) {
    let (tell, taken) = mpsc::channel();
    thread::spawn(move || {
        let held = take();
        tell.send(()).unwrap();
        thread::sleep(LONG);
        drop(held);
    });
    taken.recv().unwrap();
}

pub(super) async fn mutex() {
    static STOCK: Mutex<u32> = Mutex::new(7);
    held_elsewhere(|| STOCK.lock().unwrap());
    *STOCK.lock().unwrap() -= 1; // blocks here: lock mutex
}

pub(super) async fn rwlock() {
    static SETTINGS: RwLock<u32> = RwLock::new(7);
    held_elsewhere(|| SETTINGS.write().unwrap());
    assert_eq!(*SETTINGS.read().unwrap(), 7); // blocks here: lock rwlock
}

pub(super) async fn condvar() {
    static READY: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    later(|| {
        *READY.0.lock().unwrap() = true;
        READY.1.notify_one();
    });
    let ready = READY.0.lock().unwrap();
    drop(READY.1.wait_while(ready, |ready| !*ready).unwrap()); // blocks here: lock condvar
}

pub(super) async fn channel() {
    let (sender, receiver) = mpsc::channel();
    later(move || sender.send(7).unwrap());
    receiver.recv().unwrap(); // blocks here: lock channel
}

pub(super) async fn full_channel() {
    let (sender, receiver) = mpsc::sync_channel(1);
    later(move || assert_eq!(receiver.iter().sum::<u32>(), 3));
    sender.send(1).unwrap();
    sender.send(2).unwrap(); // blocks here: lock channel
}

pub(super) async fn barrier() {
    let barrier = Arc::new(Barrier::new(2));
    let other = Arc::clone(&barrier);
    later(move || assert!(other.wait().is_leader()));
    barrier.wait(); // blocks here: lock barrier
}

pub(super) async fn join() {
    let thread = thread::spawn(|| thread::sleep(LONG));
    thread.join().unwrap(); // blocks here: lock join
}

pub(super) async fn park() {
    let this = thread::current();
    later(move || this.unpark());
    thread::park(); // blocks here: lock park
}

pub(super) async fn once() {
    static LOADED: OnceLock<u32> = OnceLock::new();
    let load = |tell: mpsc::Sender<()>| {
        tell.send(()).unwrap();
        thread::sleep(LONG);
        7
    };
    let (tell, begun) = mpsc::channel();
    thread::spawn(move || LOADED.get_or_init(|| load(tell)));
    begun.recv().unwrap();
    LOADED.get_or_init(|| 0); // blocks here: lock once
}

pub(super) async fn block_on() {
    let (answer, answered) = oneshot::channel();
    later(move || answer.send(7).unwrap());
    futures_executor::block_on(answered).unwrap(); // blocks here: lock park
}
