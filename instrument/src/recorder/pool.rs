//! The threads of the runtimes' pools, and how many jobs of `spawn_blocking` they have finished.
//!
//! tokio runs workers and jobs on the threads of one pool. Of a job it tells only that it ended, to the hook for tasks that do.

use super::alarm::ALARM;
use super::sync::AtomicU64;
#[cfg(tokio_unstable)]
use super::threads::polled_last;
use super::threads::{Thread, runtime_id};
use std::cell::{Cell as Local, RefCell};
use std::ptr;
#[cfg(tokio_unstable)]
use std::sync::atomic::Ordering::Release;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
#[cfg(tokio_unstable)]
use tokio::task::Id;

/// What a thread of a pool writes, alone. Never freed: the seat of a thread that is gone is taken again.
#[derive(Debug, Default)]
struct Seat {
    finished: AtomicU64,
}

#[cfg(tokio_unstable)]
impl Seat {
    /// Called by its thread alone. Release: whoever sees the next job taken sees this one finished.
    #[inline(never)]
    fn finish_job(&self) {
        self.finished.store(self.finished.load(Relaxed).wrapping_add(1), Release);
        // Where no worker runs either, nobody else says that the pool is at work.
        ALARM.ring_if_asleep();
    }
}

#[derive(Debug)]
struct Entry {
    seat: &'static Seat,
    /// None when the thread is gone.
    thread: Option<Thread>,
    /// What the seat counted before the thread took it.
    before: u64,
}

impl Entry {
    fn finished(&self) -> u64 {
        self.seat.finished.load(Acquire).wrapping_sub(self.before)
    }
}

static ENTRIES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// The probes whose hook has told of an end, one bit each; those past the last bit share it. Where the app has replaced
/// the hook, no job is counted.
static HEARD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static MINE: Local<Option<&'static Seat>> = const { Local::new(None) };
    /// Gives the seat back when the thread ends.
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

struct Lease(&'static Seat);

impl Drop for Lease {
    fn drop(&mut self) {
        // After a fork the locks may be held by threads that are not there.
        let Some(engine) = crate::engine::engine() else { return };
        let _ = MINE.try_with(|mine| mine.set(None));
        let mut entries = entries();
        if let Some(entry) = entries.iter_mut().find(|entry| ptr::eq(entry.seat, self.0)) {
            // Within the lock, so that nobody who adds up misses it.
            let runtime = entry.thread.as_ref().and_then(|thread| engine.find(thread.runtime));
            runtime.inspect(|runtime| runtime.keep_jobs(entry.finished()));
            entry.thread = None;
        }
    }
}

fn entries() -> MutexGuard<'static, Vec<Entry>> {
    ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bit(probe: u32) -> u64 {
    1 << probe.min(u64::BITS - 1)
}

/// A thread of a runtime's pool starts: more work may have come than the pool takes, and the watchdog may sleep.
pub(crate) fn join_pool() {
    // None in a process that was forked off.
    if crate::engine::engine().is_none() {
        return;
    }
    let Ok(handle) = Handle::try_current() else { return };
    let thread = Thread {
        runtime: runtime_id(&handle),
        name: std::thread::current().name().unwrap_or("unnamed").to_owned(),
        tid: crate::capture::thread::tid(),
        stack: crate::capture::thread::stack(),
        ..Thread::default()
    };
    let seat = take_seat(thread);
    let lease = LEASE.try_with(|lease| lease.try_borrow_mut().map(|mut lease| *lease = Some(Lease(seat))));
    if matches!(lease, Ok(Ok(()))) {
        let _ = MINE.try_with(|mine| mine.set(Some(seat)));
    }
    ALARM.ring_if_asleep();
}

fn take_seat(thread: Thread) -> &'static Seat {
    let mut entries = entries();
    if let Some(entry) = entries.iter_mut().find(|entry| entry.thread.is_none()) {
        entry.before = entry.seat.finished.load(Relaxed);
        entry.thread = Some(thread);
        return entry.seat;
    }
    let seat: &'static Seat = Box::leak(Box::default());
    entries.push(Entry { seat, thread: Some(thread), before: 0 });
    seat
}

/// A task has ended, and with it, where the thread has not polled it, a job: rather one too many than one too few, since a task
/// that is dropped unpolled is taken for a job.
#[cfg(tokio_unstable)]
pub(crate) fn end_job(probe: u32, task: Id, own: bool) {
    if !hears_ends(probe) {
        hear_ends(probe);
    }
    let Ok(Some(mine)) = MINE.try_with(Local::get) else { return };
    if !own && !polled_last(task) {
        mine.finish_job();
    }
}

#[cfg(tokio_unstable)]
#[cold]
#[inline(never)]
fn hear_ends(probe: u32) {
    HEARD.fetch_or(bit(probe), Relaxed);
}

/// Whether the ends of tasks are told of.
pub(crate) fn hears_ends(probe: u32) -> bool {
    HEARD.load(Relaxed) & bit(probe) != 0
}

/// How many jobs the threads of a runtime that live have finished; `of_gone` is added while none can leave.
pub(crate) fn jobs_finished(runtime: u64, of_gone: impl FnOnce() -> u64) -> u64 {
    let entries = entries();
    let of_it = |entry: &&Entry| entry.thread.as_ref().is_some_and(|thread| thread.runtime == runtime);
    entries.iter().filter(of_it).map(Entry::finished).fold(of_gone(), u64::wrapping_add)
}

/// How many threads of a runtime's pool there are, its workers among them.
pub(crate) fn count_pool_threads(runtime: u64) -> u64 {
    let threads = entries();
    threads
        .iter()
        .filter(|entry| entry.thread.as_ref().is_some_and(|thread| thread.runtime == runtime))
        .count() as u64
}

/// The threads of a runtime's pool, its workers among them.
pub(crate) fn pool_threads(runtime: u64) -> Vec<Thread> {
    let threads = entries().iter().filter_map(|entry| entry.thread.clone()).collect::<Vec<_>>();
    threads.into_iter().filter(|thread| thread.runtime == runtime).collect()
}
