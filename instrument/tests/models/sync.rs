//! loom's atomics in the shape of the recorder's: made in a constant, as a cell is.
//!
//! A thread that loads what it has itself stored last does not ask loom, which would answer that and no more. It would even
//! miss orders: of the accesses to an atomic it keeps the last one alone, so that a writer's look at its own value, right before
//! it stores the next, hides the load by another thread that the store races with.

use loom::thread::{self, ThreadId};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub(crate) use loom::sync::atomic::fence;
pub(crate) use loom::thread::{Thread, current};

/// Waits for ever: a wake-up that is lost is a deadlock, which loom finds.
pub(crate) fn park_timeout(_: Duration) {
    thread::park();
}

pub(crate) const fn size(_real: usize, modelled: usize) -> usize {
    modelled
}

/// Makes all atomics of a value in the calling thread, as if they had been made with it.
pub(crate) fn made_here<T: fmt::Debug>(value: T) -> T {
    // What is shown comes by every one of them.
    let _ = format!("{value:?}");
    value
}

struct Made<A, V> {
    of_loom: A,
    /// Who stored last, and what.
    last: Mutex<Option<(ThreadId, V)>>,
}

impl<A, V: Copy> Made<A, V> {
    fn new(of_loom: A, first: V) -> Self {
        let made = Self { of_loom, last: Mutex::new(None) };
        made.stored(Some(first));
        made
    }

    fn stored(&self, value: Option<V>) {
        let last = value.map(|value| (thread::current().id(), value));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// The value, if the calling thread stored last.
    fn own(&self) -> Option<V> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(by, _)| *by == thread::current().id()).map(|(_, value)| value)
    }
}

macro_rules! atomic {
    ($name:ident<$value:ty> $([$parameter:ident])?, $first:ty, $make:expr) => {
        pub(crate) struct $name $(<$parameter>)? {
            first: $first,
            // A model's stack has no room for many of them.
            made: OnceLock<Box<Made<loom::sync::atomic::$name $(<$parameter>)?, $value>>>,
        }

        impl $(<$parameter>)? $name $(<$parameter>)? {
            fn made(&self) -> &Made<loom::sync::atomic::$name $(<$parameter>)?, $value> {
                self.made.get_or_init(|| {
                    let first = $make(self.first);
                    Box::new(Made::new(loom::sync::atomic::$name::new(first), first))
                })
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                let made = self.made();
                made.own().unwrap_or_else(|| made.of_loom.load(order))
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                let made = self.made();
                made.of_loom.store(value, order);
                made.stored(Some(value));
            }
        }

        impl $(<$parameter>)? fmt::Debug for $name $(<$parameter>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.made();
                f.write_str(stringify!($name))
            }
        }
    };
}

macro_rules! exchange {
    ($value:ty) => {
        pub(crate) fn compare_exchange(
            &self,
            known: $value,
            value: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            let made = self.made();
            let before = made.of_loom.compare_exchange(known, value, success, failure);
            if before.is_ok() {
                made.stored(None);
            }
            before
        }
    };
}

macro_rules! number {
    ($name:ident, $number:ty) => {
        atomic!($name<$number>, $number, |first| first);

        impl $name {
            pub(crate) const fn new(first: $number) -> Self {
                Self { first, made: OnceLock::new() }
            }

            pub(crate) fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                let made = self.made();
                let before = made.of_loom.fetch_add(value, order);
                made.stored(None);
                before
            }

            pub(crate) fn fetch_or(&self, value: $number, order: Ordering) -> $number {
                let made = self.made();
                let before = made.of_loom.fetch_or(value, order);
                made.stored(None);
                before
            }

            pub(crate) fn swap(&self, value: $number, order: Ordering) -> $number {
                let made = self.made();
                let before = made.of_loom.swap(value, order);
                made.stored(None);
                before
            }

            exchange!($number);
        }
    };
}

number!(AtomicU32, u32);
number!(AtomicU64, u64);
number!(AtomicUsize, usize);
atomic!(AtomicPtr<*mut T> [T], (), |()| std::ptr::null_mut());

impl<T> AtomicPtr<T> {
    pub(crate) const fn new(first: *mut T) -> Self {
        assert!(first.is_null(), "the recorder's pointers are null at first");
        Self { first: (), made: OnceLock::new() }
    }

    exchange!(*mut T);
}

/// Counters at 0.
pub(crate) fn zeroed<const N: usize>(length: usize) -> Vec<[AtomicU64; N]> {
    (0..length).map(|_| [const { AtomicU64::new(0) }; N]).collect()
}

/// A static that each run has its own of.
macro_rules! process_wide {
    ($name:ident: $type:ty = $first:expr) => {
        loom::lazy_static! { static ref $name: $type = super::sync::made_here($first); }
    };
}
pub(crate) use process_wide;
