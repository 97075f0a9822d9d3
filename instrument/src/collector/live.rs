//! Live readers, over a Unix socket that only the same user can reach.

use super::asking::Asking;
use super::past::Past;
use crate::files;
use stallscope_wire::{Coverage, Header, Line, Phase, Request, live_socket};
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
pub(crate) use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes that may wait for a slow reader until lines are dropped.
const PENDING: usize = 4 << 20;
/// Bytes more that may wait of lines that say that something is over: what began must not seem to go on for ever.
const RESERVED: usize = 1 << 20;
/// Readers at a time.
const READERS: usize = 16;
/// How long no reader is taken in when one could not be: the process may be out of file descriptors.
const RECOVERY: Duration = Duration::from_millis(250);

/// The listening socket and its readers.
#[derive(Debug, Default)]
pub(super) struct Live {
    listener: Option<(UnixListener, PathBuf)>,
    readers: Vec<Reader>,
    past: Past,
    lost: u64,
}

#[derive(Debug)]
struct Reader {
    stream: UnixStream,
    pending: Vec<u8>,
    asking: Asking,
}

/// Why there is no live socket.
#[derive(Debug)]
pub(super) enum Problem {
    Folder(PathBuf, io::Error),
    Foreign(PathBuf),
    Bind(PathBuf, io::Error),
}

impl Problem {
    /// What to do for it.
    pub(super) fn cure(&self) -> &'static str {
        "set STALLSCOPE_SOCKET to a path in a folder of your own"
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path, error) => write!(f, "cannot make the folder {}: {error}", path.display()),
            Self::Foreign(path) => {
                write!(f, "the folder {} belongs to somebody else, or others can reach it", path.display())
            }
            Self::Bind(path, error) => write!(f, "cannot listen at {}: {error}", path.display()),
        }
    }
}

impl Live {
    /// Listens at `path`, or at the usual place.
    pub(super) fn open(path: Option<&Path>, threshold_ns: u64) -> Result<Self, Problem> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => {
                let path = live_socket(files::user(), std::process::id());
                let folder = path.parent().unwrap_or(Path::new("."));
                private_folder(folder)?;
                sweep(folder);
                path
            }
        };
        // Left over from a process that was killed and had our number.
        if fs::symlink_metadata(&path).is_ok_and(|meta| is_dead_socket(&path, &meta)) {
            let _ = fs::remove_file(&path);
        }
        let listener = UnixListener::bind(&path).map_err(|error| Problem::Bind(path.clone(), error))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .map_err(|error| Problem::Bind(path.clone(), error))?;
        let past = Past::new(threshold_ns);
        Ok(Self { listener: Some((listener, path)), past, ..Self::default() })
    }

    /// The end at which readers come in; none when there is no live socket.
    pub(super) fn listener(&self) -> Option<UnixListener> {
        self.listener.as_ref().and_then(|(listener, _)| listener.try_clone().ok())
    }

    /// Takes in a reader that has come, and tells it what was before.
    pub(super) fn take_in(&mut self, stream: UnixStream, header: &Header, coverage: &Coverage) {
        if self.listener.is_none()
            || self.readers.len() >= READERS
            || files::peer(&stream) != Some(files::user())
            || stream.set_nonblocking(true).is_err()
        {
            return;
        }
        let mut pending = Line::Header(header.clone()).encode();
        if coverage != &header.coverage {
            pending.extend(Line::Coverage(coverage.clone()).encode());
        }
        pending.extend(self.past.tell());
        let mut reader = Reader { stream, pending, asking: Asking::default() };
        if reader.send() {
            self.readers.push(reader);
        }
    }

    /// What the readers have asked for since it was looked at last.
    pub(super) fn hear(&mut self) -> Vec<Request> {
        self.readers.iter_mut().flat_map(|reader| reader.asking.hear(&reader.stream)).collect()
    }

    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Sends a line to all readers. One that does not keep up loses lines, but none that says that something is over; one
    /// that is too slow even for these is hung up on, and one that is gone is forgotten.
    pub(super) fn write(&mut self, text: &[u8], line: &Line) {
        if self.listener.is_none() {
            return;
        }
        self.past.note(text, line);
        let (needed, mut lost) = (is_last(line), 0);
        let limit = if needed { PENDING + RESERVED } else { PENDING };
        self.readers.retain_mut(|reader| {
            let fits = reader.pending.len() + text.len() <= limit;
            if fits {
                reader.pending.extend_from_slice(text);
            } else {
                lost += 1;
            }
            (fits || !needed) && reader.send()
        });
        self.lost += lost;
    }

    /// The process ends.
    pub(super) fn close(&mut self) {
        for reader in &mut self.readers {
            let _ = reader.stream.set_nonblocking(false);
            let _ = reader.stream.set_write_timeout(Some(Duration::from_millis(200)));
            reader.send();
        }
        self.readers.clear();
        if let Some((_, path)) = self.listener.take() {
            let _ = fs::remove_file(path);
        }
    }

    /// Lines that slow readers did not get.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

/// Waits for readers and hands them on, as long as they are taken.
pub(super) fn welcome(listener: &UnixListener, hand_on: impl Fn(UnixStream) -> bool) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if !hand_on(stream) {
                    return;
                }
            }
            Err(_) => std::thread::sleep(RECOVERY),
        }
    }
}

impl Reader {
    /// Sends what fits; false when the reader is gone.
    fn send(&mut self) -> bool {
        while !self.pending.is_empty() {
            match self.stream.write(&self.pending) {
                Ok(0) => return false,
                Ok(sent) => {
                    self.pending.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// Whether a line says that something is over, and no later one will.
fn is_last(line: &Line) -> bool {
    match line {
        Line::Stall(stall) => matches!(stall.phase, Phase::End | Phase::Dismissed),
        Line::Lag(lag) => !lag.ongoing,
        Line::Pool(wait) => !wait.ongoing,
        Line::Unpolled(unpolled) => !unpolled.ongoing,
        Line::Orphan(orphan) => !orphan.ongoing,
        Line::End(_) => true,
        _ => false,
    }
}

/// Makes the folder, or makes sure that it is ours alone.
fn private_folder(folder: &Path) -> Result<(), Problem> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Problem::Folder(folder.to_owned(), error)),
    }
    let meta = fs::symlink_metadata(folder).map_err(|error| Problem::Folder(folder.to_owned(), error))?;
    if meta.is_dir() && meta.uid() == files::user() && meta.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(Problem::Foreign(folder.to_owned()))
}

/// Removes the sockets of processes that were killed and could not do it themselves.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let pid = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
        let gone = pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if gone && entry.metadata().is_ok_and(|meta| is_dead_socket(&path, &meta)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A socket of ours that nobody listens at.
fn is_dead_socket(path: &Path, meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let ours = meta.file_type().is_socket() && meta.uid() == files::user();
    ours && files::is_deserted(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Mode, Reader as Lines, Snapshot, Stall};

    fn live(folder: &Path) -> (Live, PathBuf) {
        let path = folder.join("a.sock");
        (Live::open(Some(&path), 1).unwrap(), path)
    }

    /// Takes in the reader that has connected.
    fn accept(live: &mut Live, header: &Header) {
        let stream = live.listener().unwrap().accept().unwrap().0;
        live.take_in(stream, header, &Coverage::default());
    }

    #[test]
    fn a_reader_that_comes_late_is_told_of_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let (mut live, path) = live(folder.path());
        let stall = Line::Stall(Stall { id: 9, ..Stall::default() });
        live.write(&stall.encode(), &stall);
        let stream = UnixStream::connect(&path).unwrap();
        accept(&mut live, &Header { pid: 7, ..Header::default() });
        live.close();
        let mut lines = Lines::new(stream).unwrap();
        assert_eq!(lines.header().pid, 7);
        assert_eq!(lines.next_line().unwrap(), Some(stall));
        assert!(!path.exists(), "the socket is gone with the process");
    }

    #[test]
    fn where_nobody_can_come_nothing_is_remembered() {
        let mut live = Live::default();
        let stall = Line::Stall(Stall { id: 9, ..Stall::default() });
        live.write(&stall.encode(), &stall);
        assert!(live.past.tell().is_empty());
    }

    #[test]
    fn a_reader_that_never_reads_costs_no_more_than_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (mut live, path) = live(folder.path());
        let _silent = UnixStream::connect(path).unwrap();
        accept(&mut live, &Header::default());
        let line = Line::Snapshot(Snapshot::default());
        let text = vec![b'x'; 100_000];
        for _ in 0..100 {
            live.write(&text, &line);
        }
        assert!(live.readers[0].pending.len() <= PENDING);
        assert!(live.lost() > 0);
    }

    #[test]
    fn each_reader_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let (mut live, path) = live(folder.path());
        let connect = |live: &mut Live| {
            let reader = UnixStream::connect(&path).unwrap();
            accept(live, &Header::default());
            reader
        };
        let (mut first, mut second) = (connect(&mut live), connect(&mut live));
        let [lean, off] = [Mode::Lean, Mode::Off].map(|mode| Request::Set { mode });
        second.write_all(&lean.encode()).unwrap();
        first.write_all(&off.encode()).unwrap();
        assert_eq!(live.hear(), [off, lean]);
        drop(first);
        assert_eq!(live.hear(), []);
    }

    #[test]
    fn a_slow_reader_is_still_told_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut live, path) = live(folder.path());
        let _slow = UnixStream::connect(path).unwrap();
        accept(&mut live, &Header::default());
        let (snapshot, text) = (Line::Snapshot(Snapshot::default()), vec![b'x'; 100_000]);
        (0..100).for_each(|_| live.write(&text, &snapshot));
        let over = Line::Stall(Stall { id: 9, phase: Phase::End, ..Stall::default() });
        live.write(&over.encode(), &over);
        assert!(live.readers[0].pending.ends_with(&over.encode()));
        (0..100).for_each(|_| live.write(&text, &over));
        assert!(live.readers.is_empty(), "one that is too slow even for these is hung up on");
    }

    #[test]
    fn the_socket_and_its_folder_are_the_users_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (_live, path) = live(folder.path());
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        let own = folder.path().join("own");
        private_folder(&own).unwrap();
        assert_eq!(fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(private_folder(&own), Err(Problem::Foreign(_))));
    }

    #[test]
    fn what_killed_processes_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let of = |pid: u32| folder.path().join(format!("{pid}.sock"));
        // No process has a number above the kernel's highest.
        drop(UnixListener::bind(of(4_194_305)).unwrap());
        let _other_place = UnixListener::bind(of(4_194_306)).unwrap();
        drop(UnixListener::bind(of(std::process::id())).unwrap());
        sweep(folder.path());
        assert_eq!(
            [4_194_305, 4_194_306, std::process::id()].map(|pid| of(pid).exists()),
            [false, true, true]
        );
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(Live::open(Some(&path), 1).is_ok());
    }
}
