//! loom's atomics in the shape of the recorder's: made in a constant, as a cell is.
//!
//! A thread that loads what it has itself stored last does not ask loom, which would answer that and no more. It would even
//! miss orders: of the accesses to an atomic it keeps the last one alone, so that a writer's look at its own value, right before
//! it stores the next, hides the load by another thread that the store races with.

use loom::thread::{self, ThreadId};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError};

pub(super) use loom::sync::atomic::fence;

pub(super) const fn size(_real: usize, modelled: usize) -> usize {
    modelled
}

/// Makes all atomics of a value in the calling thread, as if they had been made with it.
pub(super) fn made_here<T: fmt::Debug>(value: T) -> T {
    // What is shown comes by every one of them.
    let _ = format!("{value:?}");
    value
}

macro_rules! atomic {
    ($name:ident<$value:ty> $([$parameter:ident])?, $first:ty, $make:expr) => {
        pub(super) struct $name $(<$parameter>)? {
            first: $first,
            of_loom: OnceLock<loom::sync::atomic::$name $(<$parameter>)?>,
            /// Who stored last, and what.
            last: Mutex<Option<(ThreadId, $value)>>,
        }

        impl $(<$parameter>)? $name $(<$parameter>)? {
            fn of_loom(&self) -> &loom::sync::atomic::$name $(<$parameter>)? {
                self.of_loom.get_or_init(|| {
                    let first = $make(self.first);
                    self.stored(Some(first));
                    loom::sync::atomic::$name::new(first)
                })
            }

            fn stored(&self, value: Option<$value>) {
                let last = value.map(|value| (thread::current().id(), value));
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
            }

            pub(super) fn load(&self, order: Ordering) -> $value {
                let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
                match last {
                    Some((thread, value)) if thread == thread::current().id() => value,
                    _ => self.of_loom().load(order),
                }
            }

            pub(super) fn store(&self, value: $value, order: Ordering) {
                self.of_loom().store(value, order);
                self.stored(Some(value));
            }
        }

        impl $(<$parameter>)? fmt::Debug for $name $(<$parameter>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.of_loom();
                f.write_str(stringify!($name))
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $number:ty) => {
        atomic!($name<$number>, $number, |first| first);

        impl $name {
            pub(super) const fn new(first: $number) -> Self {
                Self { first, of_loom: OnceLock::new(), last: Mutex::new(None) }
            }

            pub(super) fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                let before = self.of_loom().fetch_add(value, order);
                self.stored(None);
                before
            }
        }
    };
}

number!(AtomicU32, u32);
number!(AtomicU64, u64);
number!(AtomicUsize, usize);
atomic!(AtomicPtr<*mut T> [T], (), |()| std::ptr::null_mut());

impl<T> AtomicPtr<T> {
    pub(super) const fn new(first: *mut T) -> Self {
        assert!(first.is_null(), "the recorder's pointers are null at first");
        Self { first: (), of_loom: OnceLock::new(), last: Mutex::new(None) }
    }
}
