//! Which thread may write to a cell, and in which mode.

use super::Cell;
use crate::recorder::mode::{self, CHANGING, LEAN};
use crate::recorder::sync::fence;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The `owner` of a cell that no thread may write. It has all bits of a mode that changes.
pub(super) const NOBODY: u32 = u32::MAX;

impl Cell {
    /// Whether the probe's hooks write here, in whatever mode.
    pub(in super::super) fn owned_by(&self, probe: u32) -> bool {
        let owner = self.owner.load(Relaxed);
        owner != NOBODY && owner & !CHANGING == probe
    }

    /// Gives the cell, whose record is closed, to the calling thread.
    pub(in super::super) fn set_owner(&self, probe: u32) {
        self.take_mode(probe);
        self.generation.fetch_add(1, Release);
    }

    /// Grows each time another thread takes the cell.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    /// Closes the record and leaves the cell to the next thread.
    pub(in super::super) fn abandon(&self) {
        self.close();
        self.disown();
    }

    /// Leaves the cell to the next thread, with the record that is open.
    pub(in super::super) fn disown(&self) {
        self.owner.store(NOBODY, Relaxed);
        self.generation.fetch_add(1, Release);
    }

    /// Has the thread [`Cell::adopt`] at its next hook. Anybody calls it.
    pub(in super::super) fn renew(&self) {
        self.owner.fetch_or(CHANGING, Relaxed);
    }

    /// Closes the open record, of whatever mode, and follows the mode that holds now. Only the thread that owns the cell
    /// calls it.
    pub(in super::super) fn adopt(&self, probe: u32) {
        self.hand_over_lean();
        self.close();
        self.take_mode(probe);
    }

    fn take_mode(&self, probe: u32) {
        loop {
            let bits = mode::bits();
            self.prepare_lean(bits == LEAN);
            self.owner.store(probe | bits, Relaxed);
            // Whoever sets another mode stores it, fences, and then renews this cell: either that comes after the store
            // above, or the mode is seen below.
            fence(SeqCst);
            if mode::bits() == bits {
                return;
            }
        }
    }
}
