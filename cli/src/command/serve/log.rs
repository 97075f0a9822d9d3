use crate::color::Color;
use std::fmt;
use std::io::{self, Write};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

/// The form of the server's log.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum Format {
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

/// The server's log on stderr. Its end writes what has not been written.
///
/// Lines are written by a thread of its own: a terminal that is stopped, or a pipe that nobody reads, would block whoever writes
/// to it, and that would be the event loop. What comes meanwhile waits, and what has no room is counted.
#[derive(Debug)]
pub(super) struct Log {
    writer: Option<WorkerGuard>,
    dropped: ErrorCounter,
}

impl Log {
    /// Sets up what the whole process logs with.
    pub(super) fn start(format: Format, color: Color) -> Self {
        let (writer, guard) = NonBlockingBuilder::default().thread_name("log").finish(io::stderr());
        let dropped = writer.error_counter();
        let log = tracing_subscriber::fmt().with_writer(writer);
        match format {
            Format::Text => log.with_ansi(color.on(&io::stderr())).init(),
            Format::Json => log.json().init(),
        }
        Self { writer: Some(guard), dropped }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.writer.take());
        let dropped = self.dropped.dropped_lines();
        if dropped > 0 {
            // Fails only where nobody reads.
            let _ = writeln!(io::stderr(), "{dropped} lines of the log had no room, and are lost");
        }
    }
}
