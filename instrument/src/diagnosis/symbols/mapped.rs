//! Files whose bytes stay in memory while something that was parsed from them is used.
#![expect(
    unsafe_code,
    reason = "mmap is reached through libc, and what is parsed borrows without a lifetime"
)]

use object::Object;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::{ptr, slice};

/// The program's own file, whatever stands at its path by now.
const PROGRAM: &str = "/proc/self/exe";
/// How large a file is copied at most in a process that is watched, in bytes.
pub(super) const COPY_LIMIT: u64 = 256 << 20;

/// The files that something was parsed from.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<Kept>);

/// The program is mapped: it may be large, and nobody writes to a program that runs. Any other file is copied, since a build
/// may cut it short at any time, and to read behind the end of a mapped file kills the process.
#[derive(Debug)]
enum Kept {
    Mapped(Mapped),
    Copied(Vec<u8>),
}

impl Files {
    /// Opens this program's file.
    ///
    /// # Safety
    /// Nothing that borrows from it may be used once `self` is dropped.
    pub(super) unsafe fn open_program(&mut self) -> Option<object::File<'static>> {
        let program = Kept::Mapped(Mapped::open(Path::new(PROGRAM))?);
        // SAFETY: the caller promises the same.
        unsafe { self.parse(program) }
    }

    /// Opens an object file of this machine's byte order; none when the path leads to no such file, or it is larger than the limit, in bytes.
    ///
    /// # Safety
    /// Nothing that borrows from it may be used once `self` is dropped.
    pub(super) unsafe fn open(&mut self, path: &Path, limit: u64) -> Option<object::File<'static>> {
        let copy = Kept::Copied(copied(path, limit)?);
        // SAFETY: the caller promises the same.
        unsafe { self.parse(copy) }
    }

    /// Their size together, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.0.iter().map(Kept::size).sum()
    }

    /// # Safety
    /// As [`Files::open`].
    unsafe fn parse(&mut self, kept: Kept) -> Option<object::File<'static>> {
        // SAFETY: the bytes stay in `self`, where they do not move, and the caller promises to use them no longer than that.
        let object = object::File::parse(unsafe { kept.bytes() }).ok()?;
        if object.is_little_endian() != cfg!(target_endian = "little") {
            return None;
        }
        self.0.push(kept);
        Some(object)
    }
}

impl Kept {
    fn size(&self) -> u64 {
        match self {
            Self::Mapped(mapped) => mapped.length as u64,
            Self::Copied(bytes) => bytes.len() as u64,
        }
    }

    /// The file's bytes, for as long as this stands.
    ///
    /// # Safety
    /// Nothing that borrows from them may be used once this is dropped.
    unsafe fn bytes(&self) -> &'static [u8] {
        let (at, length) = match self {
            Self::Mapped(mapped) => (mapped.at.cast_const().cast(), mapped.length),
            Self::Copied(bytes) => (bytes.as_ptr(), bytes.len()),
        };
        // SAFETY: `length` bytes are there from `at` on until the drop, which the caller does not outlive. Nobody writes to a
        // copy, nor to a program that runs.
        unsafe { slice::from_raw_parts(at, length) }
    }
}

fn copied(path: &Path, limit: u64) -> Option<Vec<u8>> {
    // To open a pipe would be to wait for who writes into it.
    let file = path.is_file().then(|| File::open(path).ok())??;
    let about = file.metadata().ok().filter(|about| about.is_file() && about.len() <= limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).ok()?);
    // It may grow meanwhile.
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A file, mapped whole. Its pages are the kernel's to take back: they are counted as the process's, and cost it nothing.
#[derive(Debug)]
struct Mapped {
    at: *mut libc::c_void,
    length: usize,
}

// SAFETY: a mapping is the process's, not a thread's: any thread may read it, and unmap it.
unsafe impl Send for Mapped {}

impl Mapped {
    /// None when the path leads to no file that can be read.
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let about = file.metadata().ok().filter(|about| about.is_file() && about.len() > 0)?;
        let length = usize::try_from(about.len()).ok()?;
        // SAFETY: the kernel picks the place, so that nothing that is mapped already is touched. The mapping does not need
        // the descriptor once it stands.
        let at = unsafe {
            libc::mmap(ptr::null_mut(), length, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        (at != libc::MAP_FAILED).then_some(Self { at, length })
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the range is what `mmap` gave, and whoever took its bytes has promised not to use them any more.
        unsafe { libc::munmap(self.at, self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_read_whole_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; 10_000]).unwrap();
        let mapped = Kept::Mapped(Mapped::open(&path).unwrap());
        // SAFETY: the bytes are used here alone.
        assert_eq!(unsafe { mapped.bytes() }, [7; 10_000]);
        assert_eq!(copied(&path, COPY_LIMIT).unwrap(), [7; 10_000]);

        fs::write(&path, "").unwrap();
        assert!(Mapped::open(&path).is_none(), "nothing is in it");
        assert!(copied(folder.path(), COPY_LIMIT).is_none(), "a folder");
        assert!(copied(Path::new("[vdso]"), COPY_LIMIT).is_none(), "no file");
    }

    #[test]
    fn a_file_that_is_cut_short_is_still_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
        let mut files = Files::default();
        // SAFETY: the object is used before the files are dropped.
        let object = unsafe { files.open(&path, COPY_LIMIT) }.unwrap();
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        assert!(object.symbols().count() > 0);
    }

    #[test]
    fn a_file_that_is_too_large_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        File::create(&path).unwrap().set_len(COPY_LIMIT + 1).unwrap();
        assert!(copied(&path, COPY_LIMIT).is_none());
    }
}
