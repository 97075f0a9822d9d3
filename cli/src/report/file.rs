use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that is there as a whole or not at all: what was there before stays until the new one is complete.
#[derive(Debug)]
pub(crate) struct Target {
    /// Behind any links.
    path: PathBuf,
    /// It is no regular file, such as a pipe, or its folder takes no other: it is written as it is.
    in_place: bool,
}

impl Target {
    /// Sees whether a file can be written there, and leaves nothing behind.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let target = match fs::metadata(&real) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) => Self { in_place: !found.is_file() || draft(&real).is_err(), path: real },
            Err(_) => {
                draft(&real)?;
                Self { in_place: false, path: real }
            }
        };
        if target.in_place {
            File::options().write(true).open(&target.path)?;
        }
        Ok(target)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When that fails; the file is as it was before then, unless it is no regular one.
    pub(crate) fn write(
        &self,
        content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.in_place {
            let file = File::options().write(true).truncate(true).open(&self.path)?;
            let mut out = BufWriter::new(&file);
            return content(&mut out).and_then(|()| out.flush());
        }
        let draft = draft(&self.path)?;
        let mut out = BufWriter::new(draft.as_file());
        content(&mut out)?;
        out.flush()?;
        drop(out);
        if let Ok(found) = fs::metadata(&self.path) {
            draft.as_file().set_permissions(found.permissions())?;
        }
        draft.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// A file beside that one, gone if it does not take its place.
fn draft(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any new file: for all that the user's mask lets.
    let usual = Permissions::from_mode(0o666);
    let made = tempfile::Builder::new().prefix(".stallscope-").permissions(usual).tempfile_in(folder);
    // The error names a file that nobody has asked for.
    made.map_err(|error| match error.kind() {
        kind @ io::ErrorKind::NotFound => {
            let shown = folder.display();
            // A folder of the kernel's own, such as /proc, is there and has room for no file.
            let why = if folder.is_dir() {
                format!("no file can be made in {shown}: name another folder")
            } else {
                format!("there is no folder {shown}: make it, or name another")
            };
            io::Error::new(kind, why)
        }
        kind => kind.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        entries.map(|entry| entry.expect("it is").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_fails_half_way_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("r");
        fs::write(&path, "old").expect("it is written");
        let target = Target::new(&path).expect("it can be written");
        let failed = target.write(|out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::Other.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        assert_eq!(names(folder.path()), ["r"]);
    }

    #[test]
    fn a_new_file_has_the_usual_rights_and_an_old_one_keeps_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, usual) = (folder.path().join("r"), folder.path().join("usual"));
        File::create(&usual).expect("it is made");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
        let write = |text: &str| {
            Target::new(&path).expect("it can be written").write(|out| out.write_all(text.as_bytes()))
        };
        write("new").expect("it is written");
        assert_eq!(mode(&path), mode(&usual));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        write("newer").expect("it is written");
        assert_eq!((mode(&path) & 0o777, &*fs::read(&path).expect("it is there")), (0o600, &b"newer"[..]));
    }

    #[test]
    fn a_link_stays_one_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, link) = (folder.path().join("r"), folder.path().join("link"));
        fs::write(&path, "old").expect("it is written");
        std::os::unix::fs::symlink(&path, &link).expect("it is made");
        let write = |path: &Path| Target::new(path)?.write(|out| out.write_all(b"new"));
        write(&link).expect("it is written");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        write(Path::new("/dev/null")).expect("it takes anything");
        assert!(write(folder.path()).is_err(), "a folder is no file");
    }
}
