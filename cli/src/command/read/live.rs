//! Running processes, looked at for a while.

use super::progress::Progress;
use crate::failure::Failure;
use crate::report::{Course, Run};
use crate::source::{Ending, Message, Source};
use stallscope::analysis::Window;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

/// How often progress is told while nothing comes.
const LOOK: Duration = Duration::from_millis(200);

/// What each process records within this time, all at once; what it tells of the time before is left out.
pub(in super::super) fn watch(sources: Vec<Source>, time: Duration) -> Result<Vec<Run>, Failure> {
    let progress = &Progress::of_time(if sources.is_empty() { Duration::ZERO } else { time });
    let failed = || Failure::internal("a thread that looks at a process failed");
    thread::scope(|scope| {
        let watching: Vec<_> = sources
            .into_iter()
            .map(|source| scope.spawn(move || watch_one(&source, time, progress)))
            .collect();
        watching.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(failed()))).collect()
    })
}

fn watch_one(source: &Source, time: Duration, progress: &Progress) -> Result<Run, Failure> {
    let (mut window, mut course) = (Window::new(source.header.clone()), Course::default());
    let begun = Instant::now();
    loop {
        let left = time.saturating_sub(begun.elapsed());
        progress.pass(begun.elapsed());
        match source.messages.recv_timeout(left.min(LOOK)) {
            Ok(Message::Line(line, _)) => {
                course.note(&line);
                window.apply(*line);
            }
            Ok(Message::Ended(ending)) => {
                let mut history = window.into_history();
                history.set_cut(ending == Ending::Cut);
                return Ok(Run { history, course });
            }
            Ok(Message::Failed(error)) => {
                let pid = source.header.pid;
                return Err(Failure::usage(format_args!("process {pid}: {error}")));
            }
            Err(RecvTimeoutError::Timeout) if left > LOOK => {}
            Err(RecvTimeoutError::Timeout) => {
                let mut history = window.into_history();
                history.release();
                return Ok(Run { history, course });
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(Run { history: window.into_history(), course });
            }
        }
    }
}
