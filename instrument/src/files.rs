//! File locks and peers of sockets, which the standard library does not have at our minimum version.
#![cfg_attr(unix, expect(unsafe_code, reason = "flock, geteuid and SO_PEERCRED are reached through libc"))]

use std::fs::File;

/// Takes the file's lock, which the kernel gives back when the process ends; false when another process holds it.
#[cfg(unix)]
pub(crate) fn lock(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open while `file` lives.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

/// Files are not locked on this platform.
#[cfg(not(unix))]
pub(crate) fn lock(_file: &File) -> bool {
    true
}

/// The user this process acts as.
#[cfg(unix)]
pub(crate) fn user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The user that the process at the other end of a socket acts as.
#[cfg(target_os = "linux")]
pub(crate) fn peer(stream: &std::os::unix::net::UnixStream) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while `stream` lives, and the kernel writes at most `length` bytes into `peer`.
    let result = unsafe {
        let option = (&raw mut peer).cast();
        libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, option, &raw mut length)
    };
    (result == 0).then_some(peer.uid)
}
