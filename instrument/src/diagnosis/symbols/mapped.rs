//! Files mapped to be read.
#![expect(unsafe_code, reason = "mmap is reached through libc")]

use object::Object;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::{ptr, slice};

/// The files that something was parsed from.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<Mapped>);

impl Files {
    /// Opens an object file of this machine's byte order; none when the path leads to no such file.
    ///
    /// # Safety
    /// Nothing that borrows from it may be used once `self` is dropped.
    pub(super) unsafe fn open(&mut self, path: &Path) -> Option<object::File<'static>> {
        let mapped = Mapped::open(path)?;
        // SAFETY: the caller promises what is asked for, since the mapping stays in `self`.
        let object = object::File::parse(unsafe { mapped.bytes() }).ok()?;
        if object.is_little_endian() != cfg!(target_endian = "little") {
            return None;
        }
        self.0.push(mapped);
        Some(object)
    }
}

/// A file, mapped whole. Its pages are the kernel's to take back: they are counted as the process's, and cost it nothing.
#[derive(Debug)]
struct Mapped {
    at: *mut libc::c_void,
    length: usize,
}

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

    /// The file's bytes, for as long as this stands.
    ///
    /// # Safety
    /// Nothing that borrows from them may be used once this is dropped.
    unsafe fn bytes(&self) -> &'static [u8] {
        // SAFETY: `length` bytes are mapped from `at` on until the drop, which the caller does not outlive; nobody writes
        // them, since the mapping is private and read-only.
        unsafe { slice::from_raw_parts(self.at.cast(), self.length) }
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
    fn a_file_is_mapped_whole_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; 10_000]).unwrap();
        let mapped = Mapped::open(&path).unwrap();
        // SAFETY: the bytes are used here alone.
        assert_eq!(unsafe { mapped.bytes() }, [7; 10_000]);

        fs::write(&path, "").unwrap();
        assert!(Mapped::open(&path).is_none(), "nothing is in it");
        assert!(Mapped::open(folder.path()).is_none(), "a folder");
        assert!(Mapped::open(Path::new("[vdso]")).is_none(), "no file");
    }
}
