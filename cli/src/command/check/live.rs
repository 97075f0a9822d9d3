//! A running process, looked at for a while.

use crate::failure::Failure;
use crate::source::{Ending, Message, Source, Target};
use stallscope::analysis::{History, Window};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// What the process records within this time; what it tells of the time before is left out.
pub(super) fn watch(pid: u32, time: Duration) -> Result<History, Failure> {
    let source = Source::open(&Target::Pid(pid)).map_err(Failure::usage)?;
    let mut window = Window::new(source.header.clone());
    let begun = Instant::now();
    loop {
        match source.messages.recv_timeout(time.saturating_sub(begun.elapsed())) {
            Ok(Message::Line(line)) => window.apply(*line),
            Ok(Message::Ended(ending)) => {
                let mut history = window.into_history();
                history.set_cut(ending == Ending::Cut);
                return Ok(history);
            }
            Ok(Message::Failed(error)) => return Err(Failure::usage(format_args!("process {pid}: {error}"))),
            Err(RecvTimeoutError::Timeout) => {
                let mut history = window.into_history();
                history.release();
                return Ok(history);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(window.into_history()),
        }
    }
}
