//! How much is recorded, in the whole process.

use super::sync::{AtomicU32, fence, process_wide};
use stallscope_wire::Mode;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Bits that a cell's owner carries beside the probe's number, so that a hook learns both with one comparison. None of
/// them is the mode full.
pub(super) const LEAN: u32 = 1 << 30;
pub(super) const OFF: u32 = 1 << 31;
/// The cell's thread is to look again which mode holds.
pub(super) const CHANGING: u32 = LEAN | OFF;

process_wide!(MODE: AtomicU32 = AtomicU32::new(0));

/// How much is recorded now.
pub(crate) fn mode() -> Mode {
    match bits() {
        LEAN => Mode::Lean,
        OFF => Mode::Off,
        _ => Mode::Full,
    }
}

/// The mode as bits of an owner.
pub(super) fn bits() -> u32 {
    MODE.load(Relaxed)
}

/// The cells are to be told afterwards: a thread that does not hear of it sees the mode.
pub(super) fn set(mode: Mode) {
    let bits = match mode {
        Mode::Lean => LEAN,
        Mode::Off => OFF,
        _ => 0,
    };
    MODE.store(bits, Relaxed);
    // As `Cell::take_mode` has it.
    fence(SeqCst);
}
