//! What the kernel tells of an epoll instance's descriptors, and of the sockets among them. Nothing is changed by asking.
#![expect(unsafe_code, reason = "poll and fstat are reached through libc")]

use crate::socket_option;
use std::fs;
use std::mem::MaybeUninit;

/// The state of a listening socket, from `include/net/tcp_states.h`.
const LISTEN: u8 = 10;

/// A descriptor that an epoll instance looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registered {
    pub(super) descriptor: i32,
    pub(super) inode: u64,
}

/// What an epoll instance looks after; none when the descriptor is no epoll instance.
pub(super) fn registered(epoll: i32) -> Option<Vec<Registered>> {
    parse_registered(&fs::read_to_string(format!("/proc/self/fdinfo/{epoll}")).ok()?)
}

/// `tfd:        5 events:       1d data: ffffffffffffffff  pos:0 ino:61af sdev:7`
fn parse_registered(fdinfo: &str) -> Option<Vec<Registered>> {
    let rows = fdinfo.lines().filter_map(|row| row.strip_prefix("tfd:"));
    rows.map(|row| {
        let descriptor = row.split_ascii_whitespace().next()?.parse().ok()?;
        let inode = row.split_once("ino:")?.1.split_ascii_whitespace().next()?;
        Some(Registered { descriptor, inode: u64::from_str_radix(inode, 16).ok()? })
    })
    .collect()
}

/// The epoll instance that a thread waits in.
pub(super) fn waits_in(tid: i32) -> Option<i32> {
    parse_wait(&fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).ok()?)
}

/// `232 0x5 0x7f… 0x400 0xffffffff 0x0 0x8 0x7f… 0x7f…`, see proc_pid_syscall(5).
fn parse_wait(syscall: &str) -> Option<i32> {
    let mut words = syscall.split_ascii_whitespace();
    let number: libc::c_long = words.next()?.parse().ok()?;
    #[cfg(target_arch = "x86_64")]
    let is_wait = matches!(number, libc::SYS_epoll_wait | libc::SYS_epoll_pwait);
    #[cfg(not(target_arch = "x86_64"))]
    let is_wait = number == libc::SYS_epoll_pwait;
    let descriptor = words.next().filter(|_| is_wait)?.strip_prefix("0x")?;
    i32::from_str_radix(descriptor, 16).ok()
}

/// Asks which descriptors are readable, without waiting.
pub(super) fn poll(asked: &mut [libc::pollfd]) {
    for asked in asked.iter_mut() {
        asked.revents = 0;
    }
    // SAFETY: the kernel reads and writes `asked.len()` entries of a slice that nobody else holds. A descriptor that is
    // closed meanwhile is answered with POLLNVAL.
    unsafe { libc::poll(asked.as_mut_ptr(), asked.len() as libc::nfds_t, 0) };
}

/// Whether the descriptor is a socket, and the one with this inode.
pub(super) fn is_socket(descriptor: i32, inode: u64) -> bool {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills the structure, which is read only when it says that it did.
    let status = unsafe {
        if libc::fstat(descriptor, status.as_mut_ptr()) != 0 {
            return false;
        }
        status.assume_init()
    };
    status.st_mode & libc::S_IFMT == libc::S_IFSOCK && status.st_ino == inode
}

/// What a TCP socket tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tcp {
    /// Connections that wait to be accepted.
    Listening { queued: u64 },
    /// How long ago data came last, in nanoseconds.
    Connected { silent_ns: u64 },
}

/// None for a socket that is not TCP.
pub(super) fn tcp(descriptor: i32) -> Option<Tcp> {
    let info: libc::tcp_info = socket_option::read(descriptor, libc::IPPROTO_TCP, libc::TCP_INFO)?;
    Some(match info.tcpi_state {
        LISTEN => Tcp::Listening { queued: info.tcpi_unacked.into() },
        _ => Tcp::Connected { silent_ns: u64::from(info.tcpi_last_data_recv) * 1_000_000 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    fn reads_what_the_kernel_writes() {
        let fdinfo = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n\
            tfd:        8 events: 80000019 data:                8  pos:0 ino:6bd5 sdev:9\n\
            tfd:       12 events: 80000019 data:     7f330000000c  pos:0 ino:6bd8 sdev:9\n";
        let descriptors = parse_registered(fdinfo).unwrap();
        assert_eq!(descriptors[1], Registered { descriptor: 12, inode: 0x6bd8 });
        assert_eq!(parse_registered("pos:\t0\ntfd: what\n"), None);
        let waiting =
            format!("{} 0x5 0x7f00 0x400 0xffffffff 0x0 0x8 0x7f01 0x7f02\n", libc::SYS_epoll_pwait);
        assert_eq!(parse_wait(&waiting), Some(5));
        for text in ["", "running\n", "0 0x5 0x1 0x1 0x1 0x0 0x8 0x1 0x2", "-1 0x7f 0x7f"] {
            assert_eq!(parse_wait(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_epoll_instance_is_found_by_the_thread_that_waits_in_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let descriptor = listener.as_raw_fd();
        // SAFETY: the calls take descriptors and plain data that outlive them.
        let epoll = unsafe {
            let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
            assert_eq!(libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, descriptor, &raw mut event), 0);
            epoll
        };
        let (tell, tid) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn(move || {
            tell.send(crate::capture::thread::tid()).unwrap();
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: the kernel writes one event.
            unsafe { libc::epoll_wait(epoll, &raw mut event, 1, 60_000) };
        });
        let tid = tid.recv().unwrap();
        while waits_in(tid) != Some(epoll) {
            assert!(!waiter.is_finished(), "it was not found");
        }
        assert_eq!(registered(epoll).unwrap().len(), 1);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        waiter.join().unwrap();
    }
}
