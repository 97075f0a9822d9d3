//! Processes that come while others are watched.

use super::ancestry::is_descendant;
use super::discover::sockets_in;
use super::open::{open_socket_within, own_uid};
use super::{Origin, Source};
use stallscope_wire::{Header, live_folder};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How often it is looked for processes that have come.
const PACE: Duration = Duration::from_secs(1);
/// How long one that has come may take to say who it is; it is asked again after a pace.
const PATIENCE: Duration = Duration::from_millis(500);

/// Looks for processes on a thread of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Finder {
    found: Receiver<Source>,
    /// Dropped with this; the thread ends then.
    _end: Sender<()>,
}

/// Which of the processes that come are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) all: bool,
    /// Those that run the same program with the same arguments as one of these: it was started again, or is one of several.
    pub(crate) alike: Vec<(String, Vec<String>)>,
    /// Those that descend from one of these.
    pub(crate) offspring: Vec<u32>,
}

/// A socket, and which file it is: one that was made again has another number.
type Known = HashMap<PathBuf, (u64, u64)>;

impl Finder {
    /// Begins to look. What runs already is not found, unless it is wanted whatever it is called.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(wanted: Wanted, watched: &[Source]) -> std::io::Result<Self> {
        let uid = own_uid();
        let search = Search::new(wanted, live_folder(uid), uid, watched);
        let (found_here, found) = channel();
        let (end, ended) = channel();
        thread::Builder::new().name("finder".to_owned()).spawn(move || search.run(&ended, &found_here))?;
        Ok(Self { found, _end: end })
    }

    /// The next process that has come, if one has.
    pub(crate) fn next(&self) -> Option<Source> {
        self.found.try_recv().ok()
    }
}

impl Wanted {
    /// Whether a process is one of those.
    fn wants(&self, header: &Header) -> bool {
        self.all
            || self.alike.iter().any(|(exe, command)| *exe == header.exe && *command == header.command)
            || self.offspring.iter().any(|&ancestor| is_descendant(header.pid, ancestor))
    }

    /// And those that are started again after this one.
    fn add(&mut self, header: &Header) {
        let alike = (header.exe.clone(), header.command.clone());
        if !self.alike.contains(&alike) {
            self.alike.push(alike);
        }
    }
}

struct Search {
    wanted: Wanted,
    folder: PathBuf,
    uid: u32,
    /// Sockets of watched processes that stand elsewhere.
    elsewhere: HashSet<PathBuf>,
    /// What was looked at, and needs no second look.
    known: Known,
}

impl Search {
    fn new(mut wanted: Wanted, folder: PathBuf, uid: u32, watched: &[Source]) -> Self {
        let mut search =
            Self { wanted: Wanted::default(), folder, uid, elsewhere: HashSet::new(), known: Known::new() };
        for source in watched {
            let Origin::Live(socket) = &source.origin else { continue };
            wanted.add(&source.header);
            search.known.extend(identity(socket).map(|identity| (socket.clone(), identity)));
            if socket.parent() != Some(&search.folder) {
                search.elsewhere.insert(socket.clone());
            }
        }
        if !wanted.all {
            // Of those only the offspring of a supervisor is wanted, which did not answer so far.
            let is_wanted = |pid| wanted.offspring.iter().any(|&ancestor| is_descendant(pid, ancestor));
            let there = sockets_in(&search.folder, uid).unwrap_or_default().into_iter();
            let there = there.filter(|&(pid, _)| !is_wanted(pid));
            search
                .known
                .extend(there.filter_map(|(_, socket)| identity(&socket).map(|known| (socket, known))));
        }
        Self { wanted, ..search }
    }

    /// Until nobody listens any more.
    fn run(mut self, ended: &Receiver<()>, found: &Sender<Source>) {
        loop {
            for source in self.look() {
                if found.send(source).is_err() {
                    return;
                }
            }
            if ended.recv_timeout(PACE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Those that have come since the last look.
    fn look(&mut self) -> Vec<Source> {
        // A folder that cannot be read now may be there later.
        let there = sockets_in(&self.folder, self.uid).unwrap_or_default();
        let sockets: Vec<_> =
            there.into_iter().map(|(_, socket)| socket).chain(self.elsewhere.clone()).collect();
        self.known.retain(|socket, _| sockets.contains(socket));
        let mut came = Vec::new();
        for socket in sockets {
            let Some(identity) = identity(&socket) else { continue };
            if self.known.get(&socket) == Some(&identity) {
                continue;
            }
            // One that does not answer, as it is not ready yet or is stopped, is asked again.
            let Ok(source) = open_socket_within(&socket, self.uid, PATIENCE) else { continue };
            if self.elsewhere.contains(&socket) || self.wanted.wants(&source.header) {
                self.wanted.add(&source.header);
                came.push(source);
            }
            self.known.insert(socket, identity);
        }
        came
    }
}

fn identity(socket: &Path) -> Option<(u64, u64)> {
    let meta = fs::symlink_metadata(socket).ok()?;
    // A number may be given again at once; when the file was made tells them apart.
    let made = meta
        .ctime()
        .unsigned_abs()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(meta.ctime_nsec().unsigned_abs());
    Some((meta.ino(), made))
}
