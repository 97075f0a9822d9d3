use super::error::Kind;
use super::open::{PATIENCE, connect, own_uid, refused, socket_of};
use super::{OpenError, Target};
use stallscope_wire::{Header, ReadError, Reader};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The lines of a running process as it writes them, for whoever keeps them.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: Reader<UnixStream>,
}

/// What a wait for the next line brought.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// A whole line, its newline with it.
    Line(&'a [u8]),
    /// None came within the pace.
    Nothing,
    /// The process is gone.
    Gone,
}

impl Lines {
    /// Connects to a process, which is looked for at this pace.
    ///
    /// # Errors
    /// When there is no such process, it is another user's, or the target is an event log already.
    pub(crate) fn open(target: &Target, pace: Duration) -> Result<Self, OpenError> {
        let socket = match target {
            Target::Pid(pid) => socket_of(*pid)?,
            Target::Path(path) => match fs::metadata(path) {
                Ok(found) if !found.file_type().is_socket() => {
                    return Err(OpenError::new(Kind::NotLive(path.clone())));
                }
                Ok(_) => path.clone(),
                Err(error) => return Err(refused(path, error)),
            },
        };
        let (reader, live) = connect(&socket, own_uid(), PATIENCE)?;
        live.set_read_timeout(Some(pace)).map_err(|error| refused(&socket, error))?;
        Ok(Self { reader })
    }

    /// Who writes.
    pub(crate) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// What was read last; at first the header's text.
    pub(crate) fn text(&self) -> &[u8] {
        self.reader.text()
    }

    /// Waits for the next line, no longer than the pace.
    ///
    /// # Errors
    /// When what comes is no line.
    pub(crate) fn next(&mut self) -> Result<Next<'_>, ReadError> {
        match self.reader.next_text() {
            Ok(Some(text)) => Ok(Next::Line(text)),
            Ok(None) => Ok(Next::Gone),
            Err(error) => match error.io().map(io::Error::kind) {
                Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {
                    Ok(Next::Nothing)
                }
                Some(io::ErrorKind::ConnectionReset) => Ok(Next::Gone),
                _ => Err(error),
            },
        }
    }
}
