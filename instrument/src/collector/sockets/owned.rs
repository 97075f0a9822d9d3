//! Which sockets are the process's own.
//!
//! Each descriptor that the process may have is asked for its socket's cookie, a number that the kernel gives to one socket
//! alone, and that its list of sockets has too. So nothing is remembered between two looks, and a descriptor's number that went
//! over to another socket is no trouble. A call each is cheap beside reading links in `/proc/self/fd`, which is left for
//! kernels that tell no cookie (before Linux 4.12) or whose list has none (`/proc/net`).

use super::row::Id;
use crate::socket_option;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs;

/// The sockets that the process holds.
#[derive(Debug)]
pub(super) struct Owned {
    cookies: Option<HashSet<u64>>,
    inodes: OnceCell<HashSet<u64>>,
}

impl Owned {
    pub(super) fn look() -> Self {
        Self { cookies: cookies(), inodes: OnceCell::new() }
    }

    /// None where the kernel does not tell them.
    pub(super) fn cookies(&self) -> Option<&HashSet<u64>> {
        self.cookies.as_ref()
    }

    /// Read when asked for first.
    pub(super) fn inodes(&self) -> &HashSet<u64> {
        self.inodes.get_or_init(inodes)
    }

    pub(super) fn holds(&self, id: Id) -> bool {
        match id {
            Id::Cookie(cookie) => self.cookies.as_ref().is_some_and(|cookies| cookies.contains(&cookie)),
            Id::Inode(inode) => self.inodes().contains(&inode),
        }
    }
}

/// None when no descriptor has one: a process without a socket is not asked after.
fn cookies() -> Option<HashSet<u64>> {
    let cookie = |descriptor| socket_option::read(descriptor, libc::SOL_SOCKET, libc::SO_COOKIE);
    let cookies: HashSet<u64> = (0..room()?).filter_map(cookie).collect();
    (!cookies.is_empty()).then_some(cookies)
}

/// Below which number all descriptors are: that of the table's slots, see proc_pid_status(5).
fn room() -> Option<i32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("FDSize:"))?.trim().parse().ok()
}

fn inodes() -> HashSet<u64> {
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().filter_map(inode).collect()
}
