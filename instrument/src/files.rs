//! File locks, files of the kernel's, and what the standard library does not tell of Unix sockets.
#![cfg_attr(
    all(unix, not(stallscope_elsewhere)),
    expect(
        unsafe_code,
        reason = "flock, geteuid, a peer's user and a connect that never waits are reached through libc"
    )
)]

use std::fs::File;

/// Takes the file's lock, which the kernel gives back when the process ends; false when another process holds it.
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn lock(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open while `file` lives.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

/// Files are not locked on this platform.
#[cfg(not(all(unix, not(stallscope_elsewhere))))]
pub(crate) fn lock(_file: &File) -> bool {
    true
}

/// Reads a file of the kernel's anew, as far as there is room.
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
pub(crate) fn read_from_start(file: &File, buffer: &mut [u8]) -> Option<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, 0).ok()
}

/// The kernel tells elsewhere, or not at all.
#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
pub(crate) fn read_from_start(_file: &File, _buffer: &mut [u8]) -> Option<usize> {
    None
}

/// The user this process acts as.
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The user that the process at the other end of a socket acts as.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(stallscope_elsewhere)))]
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

/// The user that the process at the other end of a socket acts as.
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]
pub(crate) fn peer(stream: &std::os::unix::net::UnixStream) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let (mut user, mut group) = (0, 0);
    // SAFETY: the descriptor is open while `stream` lives, and both numbers are written whole.
    let result = unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut user, &raw mut group) };
    (result == 0).then_some(user)
}

/// Whether nobody listens at a Unix socket. Never waits: a listener whose queue is full is one that listens.
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn is_deserted(path: &std::path::Path) -> bool {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: an address is plain data.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    // The kernel wants a zero behind it; nobody can listen at a longer path.
    if bytes.len() >= address.sun_path.len() {
        return false;
    }
    for (to, &from) in address.sun_path.iter_mut().zip(bytes) {
        *to = from as libc::c_char;
    }
    // SAFETY: the descriptor is new and nobody else's, and the kernel reads no more of `address` than its size.
    let result = unsafe {
        let descriptor = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
        if descriptor < 0 {
            return false;
        }
        let socket = OwnedFd::from_raw_fd(descriptor);
        // Not every Unix takes these two with the kind.
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        if libc::fcntl(descriptor, libc::F_SETFL, libc::O_NONBLOCK) < 0 {
            return false;
        }
        let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        let result = libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length);
        // Read before the descriptor is closed, which may overwrite it.
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    result.is_err_and(|error| error.raw_os_error() == Some(libc::ECONNREFUSED))
}

#[cfg(all(test, target_os = "linux", not(stallscope_elsewhere)))]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_listener_whose_queue_is_full_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: only makes the queue of an open listener shorter.
        unsafe { libc::listen(listener.as_raw_fd(), 0) };
        let _waiting = UnixStream::connect(&path).unwrap();
        assert!(!is_deserted(&path));
        drop(listener);
        assert!(is_deserted(&path));
    }
}
