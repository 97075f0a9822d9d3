//! How much is recorded, and how to change it while the program runs.

use crate::{engine, recorder};
use stallscope_wire::Mode;

/// How much of each poll is recorded in this process now; [`Mode::Off`] where nothing is watched.
#[must_use]
pub fn mode() -> Mode {
    if engine::engine().is_some() { recorder::mode() } else { Mode::Off }
}

/// Changes how much of each poll is recorded, in the whole process.
///
/// Each worker follows with its next poll, and the watchdog at once. Before the first runtime is instrumented this does
/// nothing, and so it does in a program that was started with `STALLSCOPE=off`, whose runtimes have no hooks: that is to be
/// seen by [`mode`]. [`Mode::Off`] ends the stalls that go on, as far as they are told, and keeps what was counted.
///
/// ```
/// use stallscope_instrument::{Mode, mode, set_mode};
/// let mut builder = tokio::runtime::Builder::new_current_thread();
/// let _guard = stallscope_instrument::install(&mut builder)?;
/// set_mode(Mode::Lean);
/// assert_eq!(mode(), Mode::Lean);
/// # Ok::<(), stallscope_instrument::InstallError>(())
/// ```
pub fn set_mode(mode: Mode) {
    if engine::engine().is_some() && recorder::mode() != mode {
        recorder::set_mode(mode);
        recorder::ALARM.ring();
    }
}
