//! Reads the own process's memory without ever faulting.
#![expect(unsafe_code, reason = "process_vm_readv is reached through libc")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// Fills `buffer` from `address` on and returns how many bytes could be read: what is not mapped ends the copy.
pub(super) fn read(address: u64, buffer: &mut [u8]) -> usize {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which nobody else holds, and checks the
    // remote address itself: a bad one is an error.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(read) {
        Ok(read) => read,
        Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT) => 0,
        // A filter of system calls forbids it.
        Err(_) => from_file(address, buffer),
    }
}

/// The same, from the file that is the process's memory.
fn from_file(address: u64, buffer: &mut [u8]) -> usize {
    static MEMORY: OnceLock<Option<File>> = OnceLock::new();
    let memory = MEMORY.get_or_init(|| File::open("/proc/self/mem").ok());
    memory.as_ref().and_then(|memory| memory.read_at(buffer, address).ok()).unwrap_or(0)
}

/// Eight bytes at an address.
pub(super) fn read_word(address: u64) -> Option<u64> {
    let mut word = [0; 8];
    (read(address, &mut word) == 8).then(|| u64::from_ne_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_mapped_and_refuses_what_is_not() {
        let value = 0x1234_5678_9abc_def0_u64;
        assert_eq!(read_word(&raw const value as u64), Some(value));
        assert_eq!(read_word(8), None);
        assert_eq!(read_word(u64::MAX - 3), None);
    }

    #[test]
    fn the_file_shows_the_same() {
        let value = 0x1234_5678_9abc_def0_u64;
        let mut word = [0; 8];
        assert_eq!(from_file(&raw const value as u64, &mut word), 8);
        assert_eq!(u64::from_ne_bytes(word), value);
        assert_eq!(from_file(8, &mut word), 0);
        assert_eq!(from_file(u64::MAX - 3, &mut word), 0);
    }
}
