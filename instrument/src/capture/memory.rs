//! Reads the own process's memory without ever faulting.
#![expect(unsafe_code, reason = "process_vm_readv is reached through libc")]

/// Fills `buffer` from `address` on and returns how many bytes could be read: what is not mapped ends the copy.
pub(super) fn read(address: u64, buffer: &mut [u8]) -> usize {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which nobody else holds, and checks the
    // remote address itself: a bad one is an error.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read).unwrap_or(0)
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
}
