//! Which sockets are the process's own.
//!
//! Each descriptor that the process may have is asked for its socket's cookie, a number that the kernel gives to one socket
//! alone, and that its list of sockets has too. So nothing is remembered between two looks, and a descriptor's number that went
//! over to another socket is no trouble. A call each is cheap beside reading links in `/proc/self/fd`, which is left for
//! kernels that tell no cookie (before Linux 4.12) or whose list has none (`/proc/net`).

use super::row::Id;
use crate::socket_option;
use std::collections::HashSet;
use std::fs;
use std::io;

/// The sockets that the process holds.
#[derive(Debug)]
pub(super) struct Owned {
    cookies: Option<HashSet<u64>>,
    /// None until they are asked for.
    inodes: Option<HashSet<u64>>,
}

impl Owned {
    /// # Errors
    /// `/proc` cannot be read, as when no descriptor is left.
    pub(super) fn look() -> io::Result<Self> {
        Ok(Self { cookies: cookies()?, inodes: None })
    }

    /// None where the kernel does not tell them.
    pub(super) fn cookies(&self) -> Option<&HashSet<u64>> {
        self.cookies.as_ref()
    }

    /// Read when asked for first.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub(super) fn inodes(&mut self) -> io::Result<&HashSet<u64>> {
        let known = self.inodes.take().map_or_else(inodes, Ok)?;
        Ok(self.inodes.insert(known))
    }

    pub(super) fn holds(&self, id: Id) -> bool {
        match id {
            Id::Cookie(cookie) => self.cookies.as_ref().is_some_and(|cookies| cookies.contains(&cookie)),
            Id::Inode(inode) => self.inodes.as_ref().is_some_and(|inodes| inodes.contains(&inode)),
        }
    }
}

/// None when no descriptor has one: a process without a socket is not asked after.
fn cookies() -> io::Result<Option<HashSet<u64>>> {
    let cookie = |descriptor| socket_option::read(descriptor, libc::SOL_SOCKET, libc::SO_COOKIE);
    let cookies: HashSet<u64> = (0..room()?).filter_map(cookie).collect();
    Ok((!cookies.is_empty()).then_some(cookies))
}

/// Below which number all descriptors are: that of the table's slots, see proc_pid_status(5).
fn room() -> io::Result<i32> {
    let status = fs::read_to_string("/proc/self/status")?;
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
    size.and_then(|size| size.trim().parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn inodes() -> io::Result<HashSet<u64>> {
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Ok(fs::read_dir("/proc/self/fd")?.flatten().filter_map(inode).collect())
}
