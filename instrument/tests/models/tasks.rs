//! What a task shares with its handle, its wakers and the watchdog.

use super::fate::Fate;
use super::refs::Refs;
use super::sync::{AtomicU64, made_here};
use super::wakes::Wakes;
use loom::thread;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The models by name.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("loom_a_failure_that_is_left_is_told_once_and_whole", failure_is_told_once),
    ("loom_what_is_shared_is_dropped_once_and_last", dropped_once),
    ("loom_a_task_that_was_woken_is_not_lost", woken),
    ("loom_a_task_whose_waker_was_dropped_is_lost", let_go),
];

#[derive(Debug)]
struct Left {
    fate: Fate,
    message: AtomicU64,
}

fn failure_is_told_once() {
    let left = Rc::new(made_here(Left { fate: Fate::new(), message: AtomicU64::new(0) }));
    let handle = Rc::clone(&left);
    let handle = thread::spawn(move || {
        let tells = handle.fate.drop_handle();
        assert!(!tells || handle.message.load(Relaxed) == 7, "the message is in place");
        assert!(!handle.fate.has_handle());
        tells
    });
    left.message.store(7, Relaxed);
    let task_tells = left.fate.fail();
    assert_ne!(task_tells, handle.join().unwrap(), "one of them tells");
    assert!(!left.fate.fail() && !left.fate.drop_handle(), "and only once");
}

/// What a reference is used for, and that it was dropped.
#[derive(Debug)]
struct Counted {
    refs: Refs,
    used: [AtomicU64; 3],
    dropped: AtomicU64,
}

impl Counted {
    /// The last use of a reference.
    fn let_go(&self, own: usize) {
        self.used[own].store(1, Relaxed);
        if self.refs.fewer() {
            assert_eq!(self.dropped.fetch_add(1, Relaxed), 0, "it is dropped once");
            assert!(self.used.iter().all(|used| used.load(Relaxed) == 1), "all have used it before");
        }
    }
}

fn dropped_once() {
    let counted = Rc::new(made_here(Counted {
        refs: Refs::one(),
        used: [const { AtomicU64::new(0) }; 3],
        dropped: AtomicU64::new(0),
    }));
    counted.refs.twin();
    let others: Vec<_> = [1, 2]
        .into_iter()
        .map(|own| {
            // One of the two is made of the other.
            if own == 2 {
                counted.refs.more();
            }
            let counted = Rc::clone(&counted);
            thread::spawn(move || counted.let_go(own))
        })
        .collect();
    counted.let_go(0);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(counted.dropped.load(Relaxed), 1, "it is dropped");
}

/// A task that was polled once, and those who hold a waker of it.
#[derive(Debug)]
struct Waiting {
    wakes: Wakes,
    held: AtomicU64,
    /// The runtime has been told to poll it.
    notified: AtomicU64,
}

impl Waiting {
    fn held_once() -> Rc<Self> {
        let wakes = Wakes::new();
        let waiting = made_here(Self { wakes, held: AtomicU64::new(0), notified: AtomicU64::new(0) });
        waiting.poll(1);
        Rc::new(waiting)
    }

    /// A poll that leaves one more waker with somebody.
    fn poll(&self, now: u64) {
        self.wakes.begin();
        self.held.fetch_add(1, Relaxed);
        self.wakes.end(now);
    }

    /// Lets go as a reference count does.
    fn let_go(&self) {
        self.held.fetch_add(u64::MAX, Release);
    }

    fn is_lost(&self) -> bool {
        self.wakes.stranded(|| self.held.load(Relaxed) != 0).is_some()
    }
}

fn woken() {
    let waiting = Waiting::held_once();
    let waker = Rc::clone(&waiting);
    let waker = thread::spawn(move || {
        waker.wakes.wake(3);
        waker.notified.fetch_add(1, Release);
        waker.let_go();
    });
    let watchdog = Rc::clone(&waiting);
    let watchdog = thread::spawn(move || assert!(!watchdog.is_lost(), "it was woken, or is held"));
    if waiting.notified.load(Acquire) == 1 {
        waiting.poll(5);
    }
    waker.join().unwrap();
    watchdog.join().unwrap();
    assert!(!waiting.is_lost());
}

fn let_go() {
    let waiting = Waiting::held_once();
    let holder = Rc::clone(&waiting);
    let holder = thread::spawn(move || holder.let_go());
    holder.join().unwrap();
    assert!(waiting.is_lost());
}
