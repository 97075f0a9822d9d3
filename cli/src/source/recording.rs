use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of so many lines, where the first one begins is remembered.
pub(crate) const STRIDE: u64 = 64;

/// A log whose lines can be read again.
#[derive(Debug)]
pub(crate) struct Recording {
    file: File,
    begins: Mutex<Vec<u64>>,
}

impl Recording {
    /// Nothing of it has been read yet.
    pub(super) fn new(file: File) -> Self {
        Self { file, begins: Mutex::default() }
    }

    /// The next [`STRIDE`] lines begin here.
    pub(super) fn note(&self, begin: u64) {
        self.begins().push(begin);
    }

    /// Where a line begins, of those that were handed on, counted from 0; none of one whose number is no multiple of
    /// [`STRIDE`], or that was not read yet.
    pub(crate) fn begin(&self, line: u64) -> Option<u64> {
        let stride = line.is_multiple_of(STRIDE).then(|| usize::try_from(line / STRIDE).ok())??;
        self.begins().get(stride).copied()
    }

    /// The text from one byte on up to another, or to the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn text(&self, from: u64, to: Option<u64>) -> io::Result<Vec<u8>> {
        let to = to.map_or_else(|| self.file.metadata().map(|file| file.len()), Ok)?;
        let mut text = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
        let mut read = 0;
        while read < text.len() {
            match self.file.read_at(&mut text[read..], from + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        text.truncate(read);
        Ok(text)
    }

    fn begins(&self) -> MutexGuard<'_, Vec<u64>> {
        self.begins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
