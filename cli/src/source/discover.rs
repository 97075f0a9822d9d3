use super::open::{connect, own_uid};
use stallscope_wire::{Header, Line, live_folder};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long one process may keep the whole list waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// A live socket of this user.
#[derive(Debug)]
pub(crate) struct Found {
    /// The process that made it.
    pub(crate) pid: u32,
    /// The socket.
    pub(crate) socket: PathBuf,
    /// What it answers.
    pub(crate) vitality: Vitality,
}

impl Found {
    /// Removes a socket that a killed process has left; whether it is gone. One that is just made, and where nobody listens
    /// yet, has a process of its number.
    pub(crate) fn remove_if_deserted(&self) -> bool {
        let deserted = matches!(self.vitality, Vitality::Dead) && !is_process(self.pid);
        deserted && fs::remove_file(&self.socket).is_ok()
    }
}

/// Whether a process has this number.
fn is_process(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// What a socket answers.
#[derive(Debug)]
pub(crate) enum Vitality {
    /// Its process lives.
    Alive(Box<Summary>),
    /// It was killed, and left its socket behind.
    Dead,
    /// It does not answer as it should: why, in words.
    Unwell(String),
}

/// What a process says of itself at once.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Who it is.
    pub(crate) header: Header,
    /// What it remembers, and its state, when it told them in time.
    pub(crate) lines: Vec<Line>,
}

/// Asks every live socket of this user who is behind it; ordered by pid. A folder that does not exist holds none.
///
/// # Errors
/// When the folder cannot be read, or is not this user's.
pub(crate) fn discover() -> Result<Vec<Found>, DiscoverError> {
    let uid = own_uid();
    discover_in(&live_folder(uid), uid)
}

pub(super) fn discover_in(folder: &Path, uid: u32) -> Result<Vec<Found>, DiscoverError> {
    let asked: Vec<_> = sockets_in(folder, uid)?
        .into_iter()
        .map(|(pid, socket)| thread::spawn(move || Found { pid, vitality: ask(&socket, uid), socket }))
        .collect();
    Ok(asked.into_iter().filter_map(|asking| asking.join().ok()).collect())
}

/// The live sockets in a folder and whose they are, by pid.
pub(super) fn sockets_in(folder: &Path, uid: u32) -> Result<Vec<(u32, PathBuf)>, DiscoverError> {
    let fail = |problem| DiscoverError { folder: folder.to_owned(), problem };
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(Problem::Io(error))),
        Ok(found) if found.uid() != uid => return Err(fail(Problem::OfOther(found.uid()))),
        Ok(_) => {}
    }
    let mut sockets = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| fail(Problem::Io(error)))? {
        let socket = entry.map_err(|error| fail(Problem::Io(error)))?.path();
        let pid = socket.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
        if let Some(pid) = pid.filter(|_| socket.extension().is_some_and(|extension| extension == "sock")) {
            sockets.push((pid, socket));
        }
    }
    sockets.sort_unstable();
    Ok(sockets)
}

fn ask(socket: &Path, uid: u32) -> Vitality {
    let deadline = Instant::now() + PATIENCE;
    let (mut reader, live) = match connect(socket, uid, PATIENCE) {
        Ok(connected) => connected,
        Err(error) if error.is_dead() => return Vitality::Dead,
        Err(error) => return Vitality::Unwell(error.to_string()),
    };
    let mut summary = Summary { header: reader.header().clone(), lines: Vec::new() };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || live.set_read_timeout(Some(left)).is_err() {
            break;
        }
        match reader.next_line() {
            Ok(Some(line)) => {
                let is_state = matches!(line, Line::Snapshot(_));
                summary.lines.push(line);
                if is_state {
                    break;
                }
            }
            Ok(None) | Err(_) => break,
        }
    }
    Vitality::Alive(Box::new(summary))
}

/// Why live sockets cannot be looked for.
#[derive(Debug)]
pub(crate) struct DiscoverError {
    folder: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    OfOther(u32),
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        match &self.problem {
            Problem::Io(error) => write!(f, "cannot look for live sockets in {folder}: {error}"),
            Problem::OfOther(uid) => write!(
                f,
                "the folder of live sockets {folder} belongs to the user with id {uid}, so it is not trusted: \
                 set XDG_RUNTIME_DIR to a folder of your own, for the processes too"
            ),
        }
    }
}

impl std::error::Error for DiscoverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::OfOther(_) => None,
        }
    }
}
