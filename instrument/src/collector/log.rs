//! The event log: a file that is whole up to the last second, and never larger than its budget.

use stallscope_wire::{Header, Line};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How large a log may grow.
const BUDGET: u64 = 64 << 20;

/// Lines go to the kernel one by one, so that a process that is killed loses none that were written.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    header: Vec<u8>,
    written: u64,
    budget: u64,
    /// What is kept when the budget is used up: the newest lines of what was blocked or lost.
    kept: VecDeque<Vec<u8>>,
    kept_bytes: u64,
    /// Lines in the file.
    lines: u64,
    lost: u64,
}

impl Log {
    /// Opens the log at a path, or in it, when it is a folder, and writes the header.
    pub(super) fn open(path: &Path, header: &Header) -> Result<Self, (PathBuf, io::Error)> {
        let is_folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
        let path = if is_folder {
            fs::create_dir_all(path).map_err(|error| (path.to_owned(), error))?;
            path.join(format!("{}-{}.jsonl", header.pid, header.started_unix_ns / 1_000_000))
        } else {
            path.to_owned()
        };
        let (path, file) = take(&path, header.pid).map_err(|error| (path.clone(), error))?;
        let mut log = Self {
            file,
            header: Line::Header(header.clone()).encode(),
            written: 0,
            budget: BUDGET,
            kept: VecDeque::new(),
            kept_bytes: 0,
            lines: 0,
            lost: 0,
            path,
        };
        let text = log.header.clone();
        log.append(&text).map_err(|error| (log.path.clone(), error))?;
        Ok(log)
    }

    /// Writes a line. One that cannot be written is counted.
    pub(super) fn write(&mut self, text: &[u8], line: &Line) {
        if matches!(
            line,
            Line::Stall(_)
                | Line::Lag(_)
                | Line::Unpolled(_)
                | Line::Failure(_)
                | Line::Orphan(_)
                | Line::Pool(_)
        ) {
            self.keep(text);
        }
        if self.written + text.len() as u64 > self.budget && self.compact().is_err() {
            self.lost += 1;
            return;
        }
        if self.append(text).is_err() {
            self.lost += 1;
        }
    }

    fn keep(&mut self, text: &[u8]) {
        self.kept_bytes += text.len() as u64;
        self.kept.push_back(text.to_vec());
        while self.kept_bytes > self.budget / 4 {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.len() as u64;
        }
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(text) {
            // What was written of the line would be glued to the next one.
            let _ = self.file.set_len(self.written);
            return Err(error);
        }
        self.written += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Starts the file over with what is kept. A reader that has it open keeps the old one; the new one takes its name
    /// only when it is whole, and locked: at no time could a child take the name for free.
    fn compact(&mut self) -> io::Result<()> {
        let beside = beside(&self.path);
        let mut file = create_locked(&beside)?.ok_or(io::ErrorKind::ResourceBusy)?;
        let begun = self.begin(&mut file).and_then(|begun| fs::rename(&beside, &self.path).map(|()| begun));
        let (written, lines) = begun.inspect_err(|_| drop(fs::remove_file(&beside)))?;
        self.lost += self.lines.saturating_sub(lines);
        (self.file, self.written, self.lines) = (file, written, lines);
        Ok(())
    }

    /// Writes what is kept; how many bytes and lines that are.
    fn begin(&self, file: &mut File) -> io::Result<(u64, u64)> {
        let (mut written, mut lines) = (0, 0);
        for text in std::iter::once(&self.header).chain(&self.kept) {
            file.write_all(text)?;
            written += text.len() as u64;
            lines += 1;
        }
        Ok((written, lines))
    }

    /// Lines that are no longer in the file, or never were.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

/// Takes a file for this process. One that another process is writing is left alone: a child inherits the variable that
/// names it, and gets a file of its own beside it.
fn take(path: &Path, pid: u32) -> io::Result<(PathBuf, File)> {
    let file = create_locked(path)?;
    if let Some(file) = file {
        return Ok((path.to_owned(), file));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    let own = path.with_file_name(format!("{stem}-{pid}{extension}"));
    let file = create_locked(&own)?.ok_or(io::ErrorKind::ResourceBusy)?;
    Ok((own, file))
}

/// Where the file that replaces the one at `path` grows: a name that nobody else gives to a file.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// Opens a file and empties it; none when another process holds its lock.
fn create_locked(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = create(path)?;
        if !crate::files::lock(&file) {
            return Ok(None);
        }
        // A file that was replaced after it was opened has lost its name, and then its lock.
        if is_at(&file, path)? {
            file.set_len(0)?;
            return Ok(Some(file));
        }
    }
}

#[cfg(all(unix, not(stallscope_elsewhere)))]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let of = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(of(named?) == of(file.metadata()?)),
    }
}

/// Files are not locked on this platform.
#[cfg(not(all(unix, not(stallscope_elsewhere))))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

fn create(path: &Path) -> io::Result<File> {
    // A pipe would keep the program waiting for its reader, and neither it nor a device can be started over.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("this is no regular file"));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Stacks and addresses are nobody else's business.
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{End, Reader, Snapshot, Stall};

    fn log(folder: &Path) -> Log {
        Log::open(&folder.join("a.jsonl"), &Header { pid: 7, ..Header::default() }).unwrap()
    }

    fn lines(path: &Path) -> Vec<Line> {
        let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
        std::iter::from_fn(|| reader.next_line().unwrap()).collect()
    }

    #[test]
    fn at_its_budget_the_log_keeps_the_newest_stalls_and_counts_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        log.budget = 20_000;
        for id in 0..200 {
            for line in [Line::Stall(Stall { id, ..Stall::default() }), Line::Snapshot(Snapshot::default())] {
                log.write(&line.encode(), &line);
            }
        }
        assert!(fs::metadata(&log.path).unwrap().len() <= 20_000);
        let kept = lines(&log.path);
        assert!(kept.iter().any(|line| matches!(line, Line::Stall(stall) if stall.id == 199)));
        assert_eq!(kept.len() as u64 + log.lost(), 400);
    }

    #[test]
    #[cfg_attr(any(not(unix), stallscope_elsewhere), ignore = "files are not locked here")]
    fn starting_over_touches_nobody_elses_files_and_keeps_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("a.new");
        fs::write(&notes, "mine").unwrap();
        let mut first = log(folder.path());
        first.compact().unwrap();
        assert_eq!(fs::read_to_string(notes).unwrap(), "mine");
        assert_eq!(log(folder.path()).path, folder.path().join("a-7.jsonl"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left");
    }

    #[test]
    #[cfg_attr(any(not(unix), stallscope_elsewhere), ignore = "files are not locked here")]
    fn a_file_that_has_lost_its_name_is_not_taken_for_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        fs::rename(&log.path, folder.path().join("elsewhere")).unwrap();
        assert!(!is_at(&log.file, &log.path).unwrap());
        fs::write(&log.path, "").unwrap();
        assert!(!is_at(&log.file, &log.path).unwrap());
    }

    #[test]
    fn a_folder_gets_a_file_of_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let log =
            Log::open(folder.path(), &Header { pid: 7, started_unix_ns: 5_000_000, ..Header::default() })
                .unwrap();
        assert_eq!(log.path, folder.path().join("7-5.jsonl"));
    }

    #[test]
    #[cfg_attr(any(not(unix), stallscope_elsewhere), ignore = "files are not locked here")]
    fn a_file_that_is_being_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = log(folder.path());
        let second = log(folder.path());
        assert_eq!(second.path, folder.path().join("a-7.jsonl"));
        let end = Line::End(End::default());
        first.write(&end.encode(), &end);
        assert_eq!(lines(&first.path).len(), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[expect(
        unsafe_code,
        reason = "a full disk is played by the limit of a file's size, which is set through libc"
    )]
    fn a_line_that_does_not_fit_on_the_disk_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        let (end, room) = (Line::End(End::default()), 1 << 20);
        // SAFETY: plain data is read and written; a signal that is ignored cannot run anything.
        let limit = |most| unsafe {
            let mut limits = std::mem::zeroed::<libc::rlimit>();
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limits);
            let before = std::mem::replace(&mut limits.rlim_cur, most);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limits);
            before
        };
        let before = limit(room);
        log.write(&vec![b'x'; 2 << 20], &end);
        limit(before);
        log.write(&end.encode(), &end);
        assert_eq!((lines(&log.path), log.lost()), (vec![end], 1));
    }

    #[test]
    #[cfg(unix)]
    fn a_device_is_refused_in_words() {
        let (path, error) = Log::open(Path::new("/dev/full"), &Header::default()).unwrap_err();
        assert_eq!(
            (path, error.to_string()),
            (PathBuf::from("/dev/full"), "this is no regular file".to_owned())
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let (path, _) = Log::open(Path::new("/proc/nothing/a.jsonl"), &Header::default()).unwrap_err();
        assert_eq!(path, Path::new("/proc/nothing/a.jsonl"));
    }
}
