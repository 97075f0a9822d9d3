//! A running process, looked at for a while.

use crate::failure::Failure;
use stallscope::analysis::History;
use stallscope_wire::{Line, ReadError, Reader, live_socket};
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long one read may last, and so how much later than wished the look ends.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the process has recorded since it started, and what it records within this time.
pub(super) fn watch(pid: u32, time: Duration) -> Result<History, Failure> {
    let path = live_socket(rustix::process::getuid().as_raw(), pid);
    let stream = UnixStream::connect(&path).map_err(|error| {
        let socket = path.display();
        Failure::usage(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                format!("process {pid} is not there or not instrumented: nothing listens at {socket}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("process {pid} belongs to another user: {socket} is closed to you")
            }
            _ => format!("cannot connect to process {pid} at {socket}: {error}"),
        })
    })?;
    let wrong = |error: ReadError| match error.io() {
        Some(io) if is_timeout(io) => {
            Failure::usage(format_args!("process {pid} does not answer: it is stopped, or not ours"))
        }
        _ => Failure::usage(format_args!("process {pid}: {error}")),
    };
    let deadline = Instant::now() + time;
    // The header comes at once; without a limit a stuck process would hold us for ever.
    stream.set_read_timeout(Some(time.max(PATIENCE))).map_err(Failure::internal)?;
    let timeout = stream.try_clone().map_err(Failure::internal)?;
    let mut reader = Reader::new(stream).map_err(wrong)?;
    timeout.set_read_timeout(Some(PATIENCE)).map_err(Failure::internal)?;

    let mut history = History::new(reader.header().clone());
    while Instant::now() < deadline {
        match reader.next_line() {
            Ok(Some(line)) => {
                let ended = matches!(line, Line::End(_));
                history.apply(line);
                if ended {
                    return Ok(history);
                }
            }
            Ok(None) => {
                history.set_cut(reader.cut());
                return Ok(history);
            }
            Err(error) if error.io().is_some_and(is_timeout) => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    history.release();
    Ok(history)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
