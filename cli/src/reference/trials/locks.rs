//! Waiting for another thread.

use super::order::{LONG, later};
use super::stage::Stage;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError, RwLock, mpsc};
use std::thread;

/// Takes something on another thread, which gives it back after a while; returns when it is taken.
fn held_elsewhere<G>(take: impl FnOnce() -> G + Send + 'static) -> io::Result<()> {
    let (tell, taken) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let held = take();
        let told = tell.send(());
        thread::sleep(LONG);
        drop(held);
        told
    })?;
    taken.recv().map_err(io::Error::other)
}

#[inline(never)]
pub(super) fn mutex(stage: &Stage) -> io::Result<()> {
    static STOCK: Mutex<u32> = Mutex::new(7);
    held_elsewhere(|| STOCK.lock())?;
    let stock = here!(stage, STOCK.lock());
    *stock.unwrap_or_else(PoisonError::into_inner) -= 1;
    Ok(())
}

#[inline(never)]
pub(super) fn rwlock(stage: &Stage) -> io::Result<()> {
    static SETTINGS: RwLock<u32> = RwLock::new(7);
    held_elsewhere(|| SETTINGS.write())?;
    drop(here!(stage, SETTINGS.read()));
    Ok(())
}

#[inline(never)]
pub(super) fn condvar(stage: &Stage) -> io::Result<()> {
    static READY: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    later(|| {
        *READY.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        READY.1.notify_one();
        Ok(())
    });
    let ready = READY.0.lock().unwrap_or_else(PoisonError::into_inner);
    drop(here!(stage, READY.1.wait_while(ready, |ready| !*ready)));
    Ok(())
}

#[inline(never)]
pub(super) fn channel(stage: &Stage) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    later(move || sender.send(7).map_err(io::Error::other));
    here!(stage, receiver.recv()).map(drop).map_err(io::Error::other)
}

#[inline(never)]
pub(super) fn join(stage: &Stage) -> io::Result<()> {
    let other = thread::Builder::new().spawn(|| thread::sleep(LONG))?;
    here!(stage, other.join()).map_err(|_| io::Error::other("the other thread panicked"))
}

#[inline(never)]
pub(super) fn park(stage: &Stage) -> io::Result<()> {
    let this = thread::current();
    later(move || {
        this.unpark();
        Ok(())
    });
    here!(stage, thread::park());
    Ok(())
}
