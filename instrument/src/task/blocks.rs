//! Memory that a thread's tasks have left, for those that it spawns next: the allocator takes longer to give it back and out
//! again than a task's poll takes.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;

/// Blocks that a thread keeps, no more than 64 KiB.
const MOST: usize = 1024;

/// Room for what every task has, aligned as that is.
pub(super) type Block = MaybeUninit<[AtomicU64; 7]>;

/// They stay where they are.
type Left = Vec<Box<Block>>;

thread_local! {
    static LEFT: RefCell<Left> = const { RefCell::new(Vec::new()) };
}

/// A block with nothing in it.
#[inline]
pub(super) fn take() -> Box<Block> {
    // None while the thread ends, and in an allocator of the app's that spawns.
    let left = LEFT.try_with(|left| left.try_borrow_mut().ok()?.pop());
    left.ok().flatten().unwrap_or_else(Box::new_uninit)
}

/// A block in which nothing is left.
#[inline]
pub(super) fn give(block: Box<Block>) {
    // Beyond what is kept, and while the thread ends, it goes back to the allocator.
    let _ = LEFT.try_with(|left| {
        if let Ok(mut left) = left.try_borrow_mut()
            && left.len() < MOST
        {
            left.push(block);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_the_blocks_that_it_was_given_up_to_a_limit() {
        let blocks: Vec<_> = (0..=MOST).map(|_| take()).collect();
        let last = &raw const *blocks[MOST - 1];
        blocks.into_iter().for_each(give);
        assert_eq!(LEFT.with_borrow(Vec::len), MOST, "one went back");
        assert_eq!(&raw const *take(), last, "the latest first");
    }
}
