//! A clock that goes on with each look at it. The same run reads the same times, which loom relies on.

use std::cell::Cell;

thread_local! {
    // loom runs the threads of a model on one.
    static TICKS: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn restart() {
    TICKS.set(0);
}

pub(crate) fn ticks() -> u64 {
    TICKS.set(TICKS.get() + 1);
    TICKS.get()
}
