//! What a task's future, its handle and its wakers share: as an `Arc`, but that two references are made at once for the price of
//! none, and the last goes without an atomic write. A task that is joined then pays for one.
#![expect(
    unsafe_code,
    reason = "the standard library's `Arc` takes an atomic write for each reference that comes and goes"
)]

use super::blocks::{self, Block};
use super::refs::Refs;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

#[derive(Debug)]
pub(super) struct Shared<T> {
    pointer: NonNull<Counted<T>>,
    /// Whoever drops one may drop the value.
    owns: PhantomData<Counted<T>>,
}

#[derive(Debug)]
struct Counted<T> {
    refs: Refs,
    value: T,
}

// SAFETY: as for an `Arc`: each thread that has one can reach the value, and the last drops it, after all that the others did.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above; by a reference others can be made, and sent.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The value is made where it stays: to copy what was just written takes longer than to write it.
    #[inline]
    pub(super) fn new(value: impl FnOnce() -> T) -> Self {
        const {
            assert!(
                size_of::<Counted<T>>() <= size_of::<Block>()
                    && align_of::<Counted<T>>() <= align_of::<Block>()
            );
        };
        let block = blocks::take();
        let value = value();
        let pointer = NonNull::from(Box::leak(block)).cast::<Counted<T>>();
        // SAFETY: this fits into the block, in size and in alignment, and the block is nobody else's.
        unsafe { pointer.write(Counted { refs: Refs::one(), value }) };
        Self::of(pointer)
    }

    #[inline]
    const fn of(pointer: NonNull<Counted<T>>) -> Self {
        Self { pointer, owns: PhantomData }
    }

    #[inline]
    fn counted(&self) -> &Counted<T> {
        // SAFETY: it came from a box that lives for as long as there are references, of which this is one.
        unsafe { self.pointer.as_ref() }
    }

    /// Two of one.
    #[inline]
    pub(super) fn twin(self) -> (Self, Self) {
        self.counted().refs.twin();
        let other = Self::of(self.pointer);
        (self, other)
    }

    /// How many references there are.
    pub(super) fn count(&self) -> u64 {
        self.counted().refs.count()
    }

    /// The pointer that [`Shared::from_raw`] takes; it is not counted.
    #[inline]
    pub(super) const fn as_raw(&self) -> *const () {
        self.pointer.as_ptr().cast_const().cast()
    }

    /// The reference that a pointer stands for.
    ///
    /// # Safety
    /// The pointer is one of [`Shared::as_raw`] for the same `T`, and a reference is handed over with it: one that was forgotten,
    /// and that nobody else takes.
    #[inline]
    pub(super) unsafe fn from_raw(raw: *const ()) -> Self {
        // SAFETY: by the contract, it comes from a `NonNull`.
        Self::of(unsafe { NonNull::new_unchecked(raw.cast_mut().cast()) })
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.counted().refs.more();
        Self::of(self.pointer)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        if self.counted().refs.fewer() {
            // SAFETY: it was written in `new`, and this was the last reference to it: all use by others came before.
            unsafe { self.pointer.drop_in_place() };
            // SAFETY: the block was leaked in `new`, and nothing refers to it any more.
            blocks::give(unsafe { Box::from_raw(self.pointer.cast::<Block>().as_ptr()) });
        }
    }
}
