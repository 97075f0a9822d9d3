use super::error::Kind;
use super::nameless::{Nameless, Names};
use super::recording::{Recording, STRIDE};
use super::{OpenError, Target, Vitality, discover, process_name};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, send, socket_with};
use stallscope_wire::{Header, Line, ReadError, Reader, Request, live_socket};
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that may wait for a reader that is busy drawing; past it the writer is held up, and it counts what it drops.
const WAITING_LINES: usize = 1024;
/// How long a live process may take to say who it is.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Lines of one process, read on a thread of their own.
#[derive(Debug)]
pub(crate) struct Source {
    /// Who writes.
    pub(crate) header: Header,
    /// Where from.
    pub(crate) origin: Origin,
    /// What is read, in order; the last message is an end or a failure.
    pub(crate) messages: Receiver<Message>,
    /// A log's lines can be read again.
    pub(crate) recording: Option<Arc<Recording>>,
    /// It is to be shown from its beginning on, not as it was last.
    pub(crate) play: bool,
    live: Option<UnixStream>,
}

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A running process.
    Live(PathBuf),
    /// An event log.
    Log(PathBuf),
}

/// What the reading thread says.
#[derive(Debug)]
pub(crate) enum Message {
    /// A line, and its text unless that stands in a file.
    Line(Box<Line>, Vec<u8>),
    /// Nothing follows.
    Ended(Ending),
    /// What follows cannot be read.
    Failed(ReadError),
}

/// How the lines ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the end mark: the process ended in order.
    Orderly,
    /// With the mark of a recording that ended while the process ran on.
    Left,
    /// Without: the process was killed, or (of a log) still runs.
    Abrupt,
    /// In the middle of a line.
    Cut,
}

impl Source {
    /// Opens a target, reads its header and begins to read its lines.
    ///
    /// # Errors
    /// When there is no such target, it is another user's, or what it holds is no event log of a version known here.
    pub(crate) fn open(target: &Target) -> Result<Self, OpenError> {
        Self::open_among(target, &Names::default())
    }

    /// The same, of one of several that are read together.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub(super) fn open_among(target: &Target, names: &Names) -> Result<Self, OpenError> {
        match target {
            Target::Pid(pid) => open_socket(&socket_of(*pid)?),
            Target::Path(path) => match fs::metadata(path) {
                Ok(found) if found.file_type().is_socket() => open_socket(path),
                Ok(found) if found.is_dir() => Err(OpenError::new(Kind::Folder(path.clone()))),
                Ok(_) => open_log(path, names),
                Err(error) if error.kind() == io::ErrorKind::NotFound && target.is_address() => {
                    Err(OpenError::new(Kind::Address(target.to_string())))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(OpenError::or_one_of(Kind::Missing(path.clone()), watchable()))
                }
                Err(error) => Err(refused(path, error)),
            },
        }
    }
}

impl Source {
    /// Reads an event log from an input that messages call by this path, one of those that are read together.
    ///
    /// # Errors
    /// When it is no event log of a version known here.
    pub(crate) fn of_log(
        input: impl Read + Send + 'static,
        path: &Path,
        names: &Names,
    ) -> Result<Self, OpenError> {
        let reader =
            Reader::new(input).map_err(|error| OpenError::new(Kind::Read(path.to_owned(), error)))?;
        Ok(begin(reader, names.clone(), Origin::Log(path.to_owned()), None, None))
    }
}

impl Source {
    /// Whether it reads from a process that runs.
    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Asks the process for something; what becomes of it, its lines tell. Never waits.
    ///
    /// # Errors
    /// When this is no process that runs, or it does not read what it is asked.
    pub(crate) fn ask(&self, request: &Request) -> io::Result<()> {
        let live = self.live.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        send(live, &request.encode(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl Drop for Source {
    /// Ends the reading thread, which else would wait for the process's next line.
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            // A socket whose other side is gone is shut down already.
            let _ = live.shutdown(Shutdown::Both);
        }
    }
}

/// The live socket of a process.
pub(super) fn socket_of(pid: u32) -> Result<PathBuf, OpenError> {
    let uid = own_uid();
    let socket = live_socket(uid, pid);
    if fs::symlink_metadata(&socket).is_ok() {
        return Ok(socket);
    }
    Err(match fs::metadata(format!("/proc/{pid}")) {
        Err(_) => OpenError::or_one_of(Kind::NoProcess(pid), watchable()),
        Ok(process) if process.uid() != uid => {
            OpenError::new(Kind::ProcessOfOther { pid, uid: process.uid() })
        }
        Ok(_) => OpenError::or_one_of(Kind::NotInstrumented { pid, socket }, watchable()),
    })
}

/// The user that sockets must belong to.
pub(super) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Connects to a socket of the user `uid`. Its owner is looked at before anything is read: what another user's socket
/// says is not believed.
pub(super) fn connect(
    socket: &Path,
    uid: u32,
    patience: Duration,
) -> Result<(Reader<UnixStream>, UnixStream), OpenError> {
    let owner = fs::metadata(socket).map_err(|error| refused(socket, error))?.uid();
    if owner != uid {
        return Err(OpenError::new(Kind::SocketOfOther { socket: socket.to_owned(), uid: owner }));
    }
    let silent = || OpenError::new(Kind::Silent { socket: socket.to_owned(), waited: patience });
    let stream = dial(socket, patience).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => silent(),
        _ => refused(socket, error),
    })?;
    let held = stream.try_clone().and_then(|held| stream.set_read_timeout(Some(patience)).map(|()| held));
    let held = held.map_err(|error| refused(socket, error))?;
    let reader = Reader::new(stream).map_err(|error| match error.io().map(io::Error::kind) {
        Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => silent(),
        Some(io::ErrorKind::ConnectionReset) => OpenError::new(Kind::Dead(socket.to_owned())),
        _ => OpenError::new(Kind::Read(socket.to_owned(), error)),
    })?;
    Ok((reader, held))
}

/// Connects within a time: a process that is stopped takes nobody in, and those that wait for it fill its queue.
fn dial(socket: &Path, patience: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let ours = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&ours, Timeout::Send, Some(patience))?;
    rustix::net::connect(&ours, &address)?;
    Ok(UnixStream::from(ours))
}

fn open_socket(socket: &Path) -> Result<Source, OpenError> {
    open_socket_within(socket, own_uid(), PATIENCE)
}

/// Begins to read from a live socket of the user `uid`.
pub(super) fn open_socket_within(socket: &Path, uid: u32, patience: Duration) -> Result<Source, OpenError> {
    let (reader, live) = connect(socket, uid, patience)?;
    live.set_read_timeout(None).map_err(|error| refused(socket, error))?;
    // As long as it runs it would keep what the others have opened.
    Ok(begin(reader, Names::default(), Origin::Live(socket.to_owned()), None, Some(live)))
}

fn open_log(path: &Path, names: &Names) -> Result<Source, OpenError> {
    let file = File::open(path).map_err(|error| refused(path, error))?;
    // What comes through a pipe comes once.
    let again = file.metadata().is_ok_and(|file| file.is_file()).then(|| file.try_clone().ok()).flatten();
    let reader = Reader::new(file).map_err(|error| OpenError::new(Kind::Read(path.to_owned(), error)))?;
    // As long as one that is no file is written, it would keep what the others have opened.
    let names = again.as_ref().map_or_else(Names::default, |_| names.clone());
    let recording = again.map(|again| Arc::new(Recording::new(again)));
    Ok(begin(reader, names, Origin::Log(path.to_owned()), recording, None))
}

fn begin<R: Read + Send + 'static>(
    reader: Reader<R>,
    names: Names,
    origin: Origin,
    recording: Option<Arc<Recording>>,
    live: Option<UnixStream>,
) -> Source {
    let header = reader.header().clone();
    let (sender, messages) = sync_channel(WAITING_LINES);
    let noted = recording.clone();
    thread::spawn(move || read_all(reader, &names, noted.as_deref(), &sender));
    Source { header, origin, messages, recording, play: false, live }
}

/// Ends when the input does, or when nobody listens any more.
fn read_all<R: Read>(
    mut reader: Reader<R>,
    names: &Names,
    recording: Option<&Recording>,
    sender: &SyncSender<Message>,
) {
    let (mut mark, mut lines) = (None, 0_u64);
    let mut nameless = Nameless::new(reader.header());
    let last = loop {
        if let Some(recording) = recording.filter(|_| lines.is_multiple_of(STRIDE)) {
            recording.note(reader.position());
        }
        let message = match reader.next_line() {
            Ok(Some(line)) => {
                mark = match line {
                    Line::End(_) => Some(Ending::Orderly),
                    Line::Leave(_) => Some(Ending::Left),
                    _ => mark,
                };
                lines += 1;
                nameless.note(&line);
                let text = if recording.is_none() { reader.text().to_vec() } else { Vec::new() };
                Message::Line(Box::new(line), text)
            }
            Ok(None) => {
                let unmarked = if reader.cut() { Ending::Cut } else { Ending::Abrupt };
                break Message::Ended(mark.unwrap_or(unmarked));
            }
            Err(error) => match error.io().map(io::Error::kind) {
                Some(io::ErrorKind::Interrupted) => continue,
                Some(io::ErrorKind::ConnectionReset) => break Message::Ended(Ending::Abrupt),
                _ => break Message::Failed(error),
            },
        };
        if sender.send(message).is_err() {
            return;
        }
    };
    let named = nameless.name(reader.header(), names).into_iter();
    let named = named.map(|line| Message::Line(Box::new(line), Vec::new()));
    // Nobody listens any more where one cannot be sent.
    let _ = named.chain([last]).try_for_each(|message| sender.send(message));
}

pub(super) fn refused(path: &Path, error: io::Error) -> OpenError {
    let path = path.to_owned();
    OpenError::new(match error.kind() {
        io::ErrorKind::NotFound => Kind::Missing(path),
        io::ErrorKind::PermissionDenied => Kind::Denied(path),
        io::ErrorKind::ConnectionRefused => Kind::Dead(path),
        _ => Kind::Io(path, error),
    })
}

/// What could be watched instead, as `pid (name)`.
fn watchable() -> Vec<String> {
    let found = discover().unwrap_or_default();
    let alive = found.into_iter().filter_map(|found| match found.vitality {
        Vitality::Alive(summary) => Some(format!("{} ({})", found.pid, process_name(&summary.header))),
        _ => None,
    });
    alive.collect()
}
