use stallscope_wire::{ReadError, duration};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a target cannot be read.
#[derive(Debug)]
pub(crate) struct OpenError {
    kind: Kind,
    /// The processes that could be watched instead, where that may help.
    instead: Option<Vec<String>>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// `HOST:PORT`.
    Address(String),
    NoProcess(u32),
    NotInstrumented {
        pid: u32,
        socket: PathBuf,
    },
    ProcessOfOther {
        pid: u32,
        uid: u32,
    },
    SocketOfOther {
        socket: PathBuf,
        uid: u32,
    },
    Missing(PathBuf),
    Folder(PathBuf),
    EmptyFolder(PathBuf),
    Denied(PathBuf),
    /// An event log, where a running process is wanted.
    NotLive(PathBuf),
    Dead(PathBuf),
    Silent {
        socket: PathBuf,
        waited: Duration,
    },
    Io(PathBuf, io::Error),
    Read(PathBuf, ReadError),
}

impl OpenError {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, instead: None }
    }

    pub(super) fn or_one_of(kind: Kind, instead: Vec<String>) -> Self {
        Self { kind, instead: Some(instead) }
    }

    /// Whether nobody is behind the socket any more.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.kind, Kind::Dead(_))
    }

    /// Whether the process runs, and has no live socket.
    pub(crate) fn is_not_instrumented(&self) -> bool {
        matches!(self.kind, Kind::NotInstrumented { .. })
    }

    /// Whether the target is right and there is nothing in it: its process wrote nothing, or a folder has no logs.
    pub(crate) fn is_no_data(&self) -> bool {
        match &self.kind {
            Kind::Read(_, error) => error.is_empty_input(),
            Kind::EmptyFolder(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Address(address) => write!(
                f,
                "cannot watch {address}: reading over the network is not supported yet; \
                 name a pid, a live socket or an event log"
            )?,
            Kind::NoProcess(pid) => write!(f, "no process has the pid {pid}")?,
            Kind::NotInstrumented { pid, socket } => write!(
                f,
                "process {pid} has no live socket at {}: it is not instrumented (#[stallscope::main]), runs with \
                 STALLSCOPE=off, or has another XDG_RUNTIME_DIR or STALLSCOPE_SOCKET",
                socket.display()
            )?,
            Kind::ProcessOfOther { pid, uid } => {
                write!(f, "process {pid} belongs to the user with id {uid}: run stallscope as that user")?;
            }
            Kind::SocketOfOther { socket, uid } => write!(
                f,
                "the socket {} belongs to the user with id {uid}: run stallscope as that user",
                socket.display()
            )?,
            Kind::Missing(path) => {
                write!(f, "there is no {}: name a pid, a live socket or an event log", path.display())?;
            }
            Kind::Folder(path) => {
                write!(f, "{} is a folder: name one of the event logs in it", path.display())?;
            }
            Kind::EmptyFolder(path) => {
                write!(f, "{} holds no event log (no file that ends in .jsonl)", path.display())?;
            }
            Kind::Denied(path) => write!(
                f,
                "{} may not be read by this user: run stallscope as the user that owns it",
                path.display()
            )?,
            Kind::NotLive(path) => {
                write!(
                    f,
                    "{} is a file, not a running process: name a pid or a live socket",
                    path.display()
                )?;
            }
            Kind::Dead(socket) => {
                write!(f, "nobody answers at {}: its process has ended", socket.display())?;
            }
            Kind::Silent { socket, waited } => write!(
                f,
                "the process at {} said nothing for {}: it may be stopped (ps shows state T) or starved",
                socket.display(),
                duration::show(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX))
            )?,
            Kind::Io(path, error) => write!(f, "cannot open {}: {error}", path.display())?,
            Kind::Read(path, error) => write!(f, "{}: {error}", path.display())?,
        }
        match self.instead.as_deref() {
            None => Ok(()),
            Some([]) => f.write_str("\nno instrumented process of this user runs now"),
            Some(known) => write!(f, "\nthese can be watched now: {}", known.join(", ")),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(_, error) => Some(error),
            Kind::Read(_, error) => Some(error),
            _ => None,
        }
    }
}
