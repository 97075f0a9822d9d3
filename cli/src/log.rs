//! The log of this process, on stderr.

use crate::color::Color;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

/// The form of the log.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// As it is given on the command line.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Lines that may wait to be written, some 200 bytes each.
const ROOM: usize = 10_000;

static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// A log in progress; its end writes what has not been written.
struct Log {
    writer: WorkerGuard,
    dropped: ErrorCounter,
}

/// Logs to stderr from now on, once in a process.
///
/// Lines are written by a thread of its own: a terminal that is stopped, or a pipe that nobody reads, would block whoever writes
/// to it, and that would be the event loop. What comes meanwhile waits, and what has no room is counted.
pub(crate) fn start(format: Format, color: Color) {
    let (output, writer) =
        NonBlockingBuilder::default().buffered_lines_limit(ROOM).thread_name("log").finish(io::stderr());
    let dropped = output.error_counter();
    let log = tracing_subscriber::fmt().with_writer(output);
    match format {
        Format::Text => log.with_ansi(color.on(&io::stderr())).init(),
        Format::Json => log.json().init(),
    }
    *locked() = Some(Log { writer, dropped });
}

/// Writes what has not been written, within about a second. Whoever ends the process calls it first, since its end waits for no
/// thread.
pub(crate) fn finish() {
    let Some(Log { writer, dropped }) = locked().take() else { return };
    drop(writer);
    let dropped = dropped.dropped_lines();
    if dropped > 0 {
        // Fails only where nobody reads.
        let _ = writeln!(io::stderr(), "{dropped} lines of the log had no room, and are lost");
    }
}

fn locked() -> MutexGuard<'static, Option<Log>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}
