use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Recordings that the folder holds, whoever wrote them; of more, the oldest are removed.
pub(super) const MOST: usize = 20;
/// A file that was being written for so long will not be finished: its process was killed.
const STALE: Duration = Duration::from_secs(60);

/// Where recordings are kept, `flight-<pid>-<time>.jsonl`, the time in milliseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The same one also when the process goes to another folder later.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, and tries whether a file can be written there: better now than when it is needed.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.make()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let trial = beside(&self.file(std::process::id(), now.as_nanos() as u64));
        create(&trial)?;
        fs::remove_file(trial)
    }

    /// Makes the folder where there is none. What it shows of itself is nobody else's business.
    fn make(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)
    }

    /// Where the recording of a process and a time is kept.
    pub(super) fn file(&self, pid: u32, unix_ns: u64) -> PathBuf {
        self.path.join(format!("flight-{pid}-{:013}.jsonl", unix_ns / 1_000_000))
    }

    /// Writes a recording, or writes it anew. It has its name only when it is whole.
    pub(super) fn write<'a>(&self, path: &Path, texts: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        // Somebody may have tidied up.
        self.make()?;
        let beside = beside(path);
        let written = write_all(&beside, texts).and_then(|()| fs::rename(&beside, path));
        written.inspect_err(|_| drop(fs::remove_file(&beside)))?;
        self.tidy();
        Ok(())
    }

    /// Removes recordings beyond the limit, and what killed processes left. What cannot be removed is left.
    fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        let mut recordings = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(time) = time_of(&name) {
                recordings.push((time, path));
            } else if is_unfinished(&name) && is_stale(&path) {
                let _ = fs::remove_file(path);
            }
        }
        recordings.sort_unstable();
        let more = recordings.len().saturating_sub(MOST);
        for (_, path) in recordings.into_iter().take(more) {
            let _ = fs::remove_file(path);
        }
    }
}

/// When a recording was set off, by its name; none of a file that is none.
fn time_of(name: &str) -> Option<u64> {
    let (pid, time) = name.strip_prefix("flight-")?.strip_suffix(".jsonl")?.split_once('-')?;
    pid.parse::<u32>().ok()?;
    time.parse().ok()
}

/// Where a recording grows: a name that nobody takes for one, and that processes of the same pid, in containers that share the
/// folder, do not share.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.new", path.file_name().unwrap_or_default().to_string_lossy()))
}

fn is_unfinished(name: &str) -> bool {
    name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".new")).and_then(time_of).is_some()
}

fn is_stale(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|meta| meta.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > STALE))
}

fn write_all<'a>(path: &Path, texts: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut file = io::BufWriter::new(create(path)?);
    for text in texts {
        file.write_all(text)?;
    }
    file.flush()
}

/// A file that was not there: what has taken the name, a link to elsewhere maybe, is removed, not written to.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
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

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_recordings_go_and_nothing_else() {
        let held = tempfile::tempdir().unwrap();
        let folder = Folder::new(&held.path().join("flights"));
        folder.prepare().unwrap();
        for foreign in ["notes.txt", "flight-plan.jsonl", "flight-7-soon.jsonl", ".flight-9-5.jsonl.new"] {
            fs::write(folder.path().join(foreign), "mine").unwrap();
        }
        for nth in 0..MOST as u64 + 5 {
            let path = folder.file(7 + nth as u32 % 3, 1_700_000_000_000_000_000 + nth * 1_000_000);
            folder.write(&path, [&b"{}\n"[..]].into_iter()).unwrap();
        }
        let names = names(folder.path());
        let recordings: Vec<_> = names.iter().filter_map(|name| time_of(name)).collect();
        assert_eq!(recordings.len(), MOST);
        assert!(recordings.iter().all(|&time| time >= 1_700_000_000_005), "{recordings:?}");
        assert_eq!(names.len(), MOST + 4, "{names:?}");
    }

    #[test]
    #[cfg(unix)]
    fn what_is_made_is_nobody_elses_business() {
        use std::os::unix::fs::PermissionsExt;
        let held = tempfile::tempdir().unwrap();
        let folder = Folder::new(&held.path().join("flights"));
        let path = folder.file(7, 5_000_000);
        folder.write(&path, [&b"{}\n"[..]].into_iter()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn what_a_killed_process_left_goes_when_it_is_old() {
        let held = tempfile::tempdir().unwrap();
        let folder = Folder::new(held.path());
        let left = beside(&folder.file(9, 5_000_000));
        let write = || folder.write(&folder.file(7, 5_000_000), [&b"{}\n"[..]].into_iter()).unwrap();
        let file = File::create(&left).unwrap();
        write();
        assert!(left.exists(), "it may be growing");
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        write();
        assert!(!left.exists());
    }

    #[test]
    fn a_recording_is_replaced_as_a_whole() {
        let held = tempfile::tempdir().unwrap();
        let folder = Folder::new(held.path());
        let path = folder.file(7, 5_000_000);
        for text in ["first", "second"] {
            folder.write(&path, [text.as_bytes()].into_iter()).unwrap();
        }
        assert_eq!((fs::read_to_string(&path).unwrap(), names(held.path()).len()), ("second".to_owned(), 1));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_in_the_way_is_not_followed() {
        let held = tempfile::tempdir().unwrap();
        let folder = Folder::new(held.path());
        let (theirs, path) = (held.path().join("theirs"), folder.file(7, 5_000_000));
        fs::write(&theirs, "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, beside(&path)).unwrap();
        folder.write(&path, [&b"ours"[..]].into_iter()).unwrap();
        assert_eq!(fs::read_to_string(theirs).unwrap(), "theirs");
        assert!(fs::symlink_metadata(path).unwrap().is_file());
    }

    #[test]
    fn a_place_that_is_no_folder_is_refused() {
        assert!(Folder::new(Path::new("/dev/null/flights")).prepare().is_err());
    }
}
