//! The temporary folder that the event logs of a command are written to.
//!
//! Its lock tells a check that runs from one that was killed, and that of each log the same of the process that writes it: what
//! nobody holds is removed when the next check starts.

use crate::failure::Failure;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const PREFIX: &str = "stallscope-check-";
/// So many letters and digits follow it, which nobody calls a folder of his own.
const RANDOM: usize = 12;
/// Whether there is room is tried with so many bytes; a log's header alone takes a few thousand.
const ROOM: usize = 64 << 10;
/// A folder is made before it is locked, but not so long before.
const SETTLED: Duration = Duration::from_secs(60);

/// Gone, and what is in it, when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    folder: TempDir,
    /// Locked.
    opened: File,
}

impl Folder {
    /// # Errors
    /// When no log could be written there.
    pub(super) fn make() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::internal(format_args!(
                "cannot write event logs below {}: {error} (TMPDIR says where they go)",
                std::env::temp_dir().display()
            ))
        };
        let folder = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir().map_err(failed)?;
        let opened = File::open(folder.path()).map_err(failed)?;
        flock(&opened, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed(error.into()))?;
        let folder = Self { folder, opened };
        folder.has_room().map_err(failed)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As a setting for the instrument, which takes it for a folder even when somebody has removed it.
    pub(super) fn setting(&self) -> OsString {
        let mut setting = self.path().as_os_str().to_owned();
        setting.push("/");
        setting
    }

    fn has_room(&self) -> io::Result<()> {
        tempfile::tempfile_in(self.path()).and_then(|mut file| io::Write::write_all(&mut file, &[0; ROOM]))
    }

    fn is_there(&self) -> bool {
        let same = |named: fs::Metadata| Ok((named.dev(), named.ino()) == self.id()?);
        fs::symlink_metadata(self.path()).and_then(same).unwrap_or(false)
    }

    fn id(&self) -> io::Result<(u64, u64)> {
        self.opened.metadata().map(|opened| (opened.dev(), opened.ino()))
    }

    /// That it is no longer the one that was made, for people.
    pub(super) fn removed(&self) -> Option<String> {
        let told = || {
            format!(
                "the folder of the event logs, {}, was removed while the command ran: what was in it is lost (TMPDIR says \
                 where it is made)",
                self.path().display()
            )
        };
        (!self.is_there()).then(told)
    }

    /// Why no more can be written there, for people.
    pub(super) fn full(&self) -> Option<String> {
        let error = self.has_room().err()?;
        Some(format!(
            "the folder of the event logs, {}, takes no more: {error}; what did not fit is lost (TMPDIR says where it is \
             made)",
            self.path().display()
        ))
    }

    /// Copies the logs to where the user wants them: in a folder each has the name that it has here; a file is that of the
    /// first process, and those of others lie beside it. The first of a run that is `again` is another one too. What stands
    /// there already stays, but for such a file that nobody is writing.
    ///
    /// # Errors
    /// How many could not be copied, and why the first of them.
    pub(super) fn copy_to(&self, wanted: &Path, again: bool) -> Result<(), (u64, io::Error)> {
        let logs = logs(self.path());
        let is_folder = wanted.is_dir() || wanted.as_os_str().as_encoded_bytes().ends_with(b"/");
        if is_folder {
            fs::create_dir_all(wanted).map_err(|error| (logs.len() as u64, error))?;
        }
        let first = if is_folder || again { None } else { Some(wanted) };
        let copied = logs.into_iter().enumerate().map(|(at, log)| {
            let name = log.file_name().unwrap_or_default();
            if let Some(first) = first.filter(|_| at == 0)
                && replace(first, &log)?
            {
                return Ok(());
            }
            let own = if is_folder {
                wanted.join(name)
            } else {
                let mut beside = wanted.file_stem().unwrap_or_default().to_owned();
                beside.push("-");
                beside.push(name);
                wanted.with_file_name(beside)
            };
            io::copy(&mut File::open(log)?, &mut create_new(&own)?).map(drop)
        });
        let mut failed = copied.filter_map(Result::err);
        failed.next().map_or(Ok(()), |error| Err((1 + failed.count() as u64, error)))
    }
}

/// Puts a log in the place of a file, as a process does that is told to write its log there; not where somebody writes it.
fn replace(file: &Path, log: &Path) -> io::Result<bool> {
    let mut file = private().create(true).truncate(false).open(file)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
        return Ok(false);
    }
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    io::copy(&mut File::open(log)?, &mut file)?;
    Ok(true)
}

/// A file of this name, or of one like it where there is such a file.
fn create_new(path: &Path) -> io::Result<File> {
    let mut taken = 1;
    let mut free = path.to_owned();
    loop {
        match private().create_new(true).open(&free) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                taken += 1;
                let mut name = path.file_stem().unwrap_or_default().to_owned();
                name.push(format!("-{taken}.jsonl"));
                free = path.with_file_name(name);
            }
            opened => return opened,
        }
    }
}

/// To write what is nobody else's business.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The logs of a folder, as they were begun.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut logs: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
    logs.sort_by_key(|path| fs::metadata(path).and_then(|log| log.created().or(log.modified())).ok());
    logs
}

/// Removes the folders of checks that were killed, as far as nobody writes into them any more.
pub(super) fn remove_left_over() {
    let folders = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let ours = folders
        .filter(|entry| is_made_by_check(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path());
    for folder in ours {
        // What cannot be removed stays, and harms nobody.
        let _ = remove_if_left(&folder);
    }
}

fn is_made_by_check(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether a file has a name that the instrument gives a log in a folder: `<pid>-<start>.jsonl`.
fn is_named_as_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbers = name.strip_suffix(".jsonl").unwrap_or_default().split('-');
    numbers.into_iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn remove_if_left(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    let settled = found.modified()?.elapsed().is_ok_and(|age| age > SETTLED);
    if !found.is_dir() || found.uid() != geteuid().as_raw() || !settled {
        return Ok(());
    }
    let opened = File::open(folder)?;
    flock(&opened, FlockOperation::NonBlockingLockExclusive)?;
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    // Somebody keeps something of his own here, perhaps the logs too.
    if !files.iter().all(|file| is_named_as_log(file) && file.is_file()) {
        return Ok(());
    }
    let logs = files.iter().map(File::open).collect::<io::Result<Vec<_>>>()?;
    for log in &logs {
        // Whoever writes it goes on without the check.
        flock(log, FlockOperation::NonBlockingLockExclusive)?;
    }
    files.iter().try_for_each(fs::remove_file)?;
    // Only an empty one can be removed so: a log that was begun meanwhile keeps it.
    fs::remove_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::FileTimes;
    use std::time::SystemTime;

    /// A folder as a check leaves it that is killed.
    fn left(within: &Path, name: &str, logs: &[&str]) -> PathBuf {
        let folder = within.join(name);
        fs::create_dir(&folder).expect("it is made");
        logs.iter().for_each(|log| fs::write(folder.join(log), "").expect("it is written"));
        let long_ago = FileTimes::new().set_modified(SystemTime::now() - 2 * SETTLED);
        File::open(&folder).and_then(|opened| opened.set_times(long_ago)).expect("it is ours");
        folder
    }

    #[test]
    fn what_a_killed_check_left_is_removed() {
        let within = tempfile::tempdir().expect("a temporary folder");
        let folder = left(within.path(), "a", &["7-1.jsonl", "8-1.jsonl"]);
        remove_if_left(&folder).expect("it can be");
        assert!(!folder.exists());
    }

    #[test]
    fn what_is_in_use_or_not_ours_stays() {
        let within = tempfile::tempdir().expect("a temporary folder");
        let [locked, written, strange] =
            ["locked", "written", "strange"].map(|name| left(within.path(), name, &["7-1.jsonl"]));
        let young = within.path().join("young");
        fs::create_dir(&young).expect("it is made");
        let holds = |path: &Path| {
            let file = File::open(path).expect("it is there");
            flock(&file, FlockOperation::NonBlockingLockExclusive).expect("nobody holds it");
            file
        };
        let _check = holds(&locked);
        let _process = holds(&written.join("7-1.jsonl"));
        let mine = strange.join("mine");
        fs::write(&mine, "").expect("it is written");
        let long_ago = FileTimes::new().set_modified(SystemTime::now() - 2 * SETTLED);
        File::open(&strange).and_then(|opened| opened.set_times(long_ago)).expect("it is ours");
        for folder in [&locked, &written, &strange, &young] {
            let _ = remove_if_left(folder);
        }
        assert!(locked.join("7-1.jsonl").exists() && written.join("7-1.jsonl").exists());
        assert!(mine.exists() && strange.join("7-1.jsonl").exists() && young.exists());
    }

    #[test]
    fn a_folder_and_a_log_of_ours_are_known_by_their_names() {
        let folder = Folder::make().expect("there is room");
        let name = folder.path().file_name().expect("it has one").to_string_lossy();
        assert!(is_made_by_check(&name), "{name}");
        for name in ["stallscope-check-", "stallscope-check-logs", "stallscope-check-of-january"] {
            assert!(!is_made_by_check(name), "{name}");
        }
        assert!(is_named_as_log(Path::new("/tmp/7-1.jsonl")));
        for name in ["mine.jsonl", "7-1.json", "-1.jsonl", "7-1", ".jsonl"] {
            assert!(!is_named_as_log(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_folder_that_was_removed_is_told_though_another_has_its_name() {
        let folder = Folder::make().expect("there is room");
        assert_eq!((folder.removed(), folder.full()), (None, None));
        fs::remove_dir(folder.path()).expect("it is empty");
        assert!(folder.removed().is_some());
        fs::create_dir(folder.path()).expect("it is gone");
        assert!(folder.removed().is_some());
    }

    #[test]
    fn logs_are_copied_into_a_folder_or_beside_a_file() {
        let (folder, within) =
            (Folder::make().expect("there is room"), tempfile::tempdir().expect("a folder"));
        fs::write(folder.path().join("7-1.jsonl"), "first").expect("it is written");
        let names = |folder: &Path| {
            let mut names: Vec<_> = fs::read_dir(folder)
                .expect("it is there")
                .map(|entry| entry.expect("it is").file_name().into_string().expect("text"))
                .collect();
            names.sort();
            names
        };
        folder.copy_to(&within.path().join("new/"), false).expect("it can be made");
        assert_eq!(names(&within.path().join("new")), ["7-1.jsonl"]);
        fs::write(folder.path().join("8-1.jsonl"), "second").expect("it is written");
        let own = within.path().join("log.json");
        folder.copy_to(&own, false).expect("it can be written");
        let all = names(within.path());
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(all.contains(&"log.json".to_owned()));
    }

    #[test]
    fn what_stands_where_a_log_is_copied_to_stays() {
        let (folder, within) =
            (Folder::make().expect("there is room"), tempfile::tempdir().expect("a folder"));
        let write = |text| fs::write(folder.path().join("7-1.jsonl"), text).expect("it is written");
        let read = |name: &str| fs::read_to_string(within.path().join(name)).expect(name);
        let own = within.path().join("log.jsonl");
        for (text, again) in [("old", false), ("first", false), ("retry", true), ("again", true)] {
            write(text);
            folder.copy_to(&own, again).expect("it can be written");
        }
        let written = File::open(&own).expect("it is there");
        flock(&written, FlockOperation::NonBlockingLockExclusive).expect("nobody holds it");
        write("beside");
        folder.copy_to(&own, false).expect("it can be written");
        assert_eq!(
            ["log.jsonl", "log-7-1.jsonl", "log-7-1-2.jsonl", "log-7-1-3.jsonl"].map(read),
            ["first", "retry", "again", "beside"]
        );
    }

    #[test]
    fn one_log_that_cannot_be_copied_keeps_no_other_back() {
        let (folder, within) =
            (Folder::make().expect("there is room"), tempfile::tempdir().expect("a folder"));
        fs::create_dir(folder.path().join("7-1.jsonl")).expect("it is made");
        fs::write(folder.path().join("8-1.jsonl"), "8-1.jsonl").expect("it is written");
        let own = within.path().join("own");
        fs::create_dir(&own).expect("it is made");
        let (count, _) = folder.copy_to(&own, false).expect_err("a folder is no log");
        assert_eq!(count, 1);
        assert_eq!(fs::read_to_string(own.join("8-1.jsonl")).expect("it is copied"), "8-1.jsonl");
    }
}
