//! What the kernel says a thread does: `/proc/self/task/TID/syscall`, see proc_pid_syscall(5).

use super::{Activity, Syscall};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// A reading of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// On a processor, or ready for one.
    Running,
    /// In the kernel.
    Waiting(Waiting),
    /// The thread is gone, or may not be read.
    Unreadable,
}

/// Where a thread waits in the kernel. Equal readings before and after show that it has not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Negative: no system call, but a page fault.
    number: i64,
    arguments: [u64; 6],
    pub(super) stack_pointer: u64,
    pub(super) instruction: u64,
}

/// What a thread waits for, and where in its code: its system call and what that is about, its stack pointer and instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(i64, u64, u64, u64);

impl Waiting {
    /// Equal for two waits for the same thing at the same place; only of calls whose first argument tells what they wait for.
    pub(crate) fn place(&self) -> Option<Place> {
        let tells = matches!(self.number, libc::SYS_futex | libc::SYS_epoll_wait | libc::SYS_epoll_pwait);
        tells.then_some(Place(self.number, self.arguments[0], self.stack_pointer, self.instruction))
    }

    pub(super) fn activity(&self) -> Activity {
        if self.number < 0 {
            return Activity::PageFault;
        }
        Activity::Syscall(Syscall { number: self.number, name: name(self.number) })
    }
}

/// Reads what one thread does, again and again: the file is kept open.
#[derive(Debug)]
pub(crate) struct CallReader(Option<File>);

impl CallReader {
    pub(crate) fn new(tid: i32) -> Self {
        Self(File::open(format!("/proc/self/task/{tid}/syscall")).ok())
    }

    pub(crate) fn read(&self) -> Reading {
        let read = || {
            let mut buffer = [0; 256];
            let length = self.0.as_ref()?.read_at(&mut buffer, 0).ok()?;
            parse(std::str::from_utf8(&buffer[..length]).ok()?)
        };
        read().unwrap_or(Reading::Unreadable)
    }
}

pub(super) fn read(tid: i32) -> Reading {
    fs::read_to_string(format!("/proc/self/task/{tid}/syscall"))
        .ok()
        .and_then(|text| parse(&text))
        .unwrap_or(Reading::Unreadable)
}

fn parse(text: &str) -> Option<Reading> {
    let text = text.trim();
    if text == "running" {
        return Some(Reading::Running);
    }
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut hexadecimal = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; 6];
    if number >= 0 {
        for argument in &mut arguments {
            *argument = hexadecimal()?;
        }
    }
    Some(Reading::Waiting(Waiting {
        number,
        arguments,
        stack_pointer: hexadecimal()?,
        instruction: hexadecimal()?,
    }))
}

/// The names of the calls that block.
fn name(number: i64) -> Option<&'static str> {
    macro_rules! names {
        ($($name:ident: $constant:ident),* $(,)?) => {
            match number {
                $(libc::$constant => Some(stringify!($name)),)*
                _ => None,
            }
        };
    }
    names! {
        accept: SYS_accept, accept4: SYS_accept4, clock_nanosleep: SYS_clock_nanosleep, clone: SYS_clone,
        clone3: SYS_clone3, close: SYS_close,
        connect: SYS_connect, copy_file_range: SYS_copy_file_range, creat: SYS_creat, epoll_pwait: SYS_epoll_pwait,
        epoll_wait: SYS_epoll_wait, execve: SYS_execve, fallocate: SYS_fallocate, fchmod: SYS_fchmod,
        fcntl: SYS_fcntl, fdatasync: SYS_fdatasync, flock: SYS_flock, fstat: SYS_fstat, fsync: SYS_fsync,
        ftruncate: SYS_ftruncate, futex: SYS_futex, getdents64: SYS_getdents64, getrandom: SYS_getrandom,
        io_uring_enter: SYS_io_uring_enter, ioctl: SYS_ioctl, lseek: SYS_lseek, lstat: SYS_lstat,
        madvise: SYS_madvise, mkdir: SYS_mkdir, mmap: SYS_mmap, mprotect: SYS_mprotect, msgrcv: SYS_msgrcv,
        msgsnd: SYS_msgsnd, msync: SYS_msync, munmap: SYS_munmap, nanosleep: SYS_nanosleep,
        newfstatat: SYS_newfstatat, open: SYS_open, openat: SYS_openat, pause: SYS_pause, poll: SYS_poll,
        ppoll: SYS_ppoll, pread64: SYS_pread64, preadv: SYS_preadv, pselect6: SYS_pselect6,
        pwrite64: SYS_pwrite64, pwritev: SYS_pwritev, read: SYS_read, readv: SYS_readv, recvfrom: SYS_recvfrom,
        recvmmsg: SYS_recvmmsg, recvmsg: SYS_recvmsg, rename: SYS_rename, renameat2: SYS_renameat2,
        rt_sigsuspend: SYS_rt_sigsuspend, rt_sigtimedwait: SYS_rt_sigtimedwait, sched_yield: SYS_sched_yield,
        select: SYS_select, semop: SYS_semop, semtimedop: SYS_semtimedop, sendfile: SYS_sendfile,
        sendmmsg: SYS_sendmmsg, sendmsg: SYS_sendmsg, sendto: SYS_sendto, splice: SYS_splice, stat: SYS_stat,
        statx: SYS_statx, sync: SYS_sync, sync_file_range: SYS_sync_file_range, syncfs: SYS_syncfs, tee: SYS_tee,
        truncate: SYS_truncate, unlink: SYS_unlink, unlinkat: SYS_unlinkat, vfork: SYS_vfork,
        vmsplice: SYS_vmsplice, wait4: SYS_wait4, waitid: SYS_waitid, write: SYS_write, writev: SYS_writev,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_the_kernel_writes() {
        assert_eq!(parse("running\n"), Some(Reading::Running));
        let sleeping = "230 0x0 0x0 0x7ffd1 0x7ffd2 0x0 0x0 0x7ffc0 0x7f001\n";
        let Some(Reading::Waiting(waiting)) = parse(sleeping) else { panic!("{:?}", parse(sleeping)) };
        assert_eq!((waiting.stack_pointer, waiting.instruction), (0x7ffc0, 0x7f001));
        let activity = waiting.activity();
        assert_eq!(activity, Activity::Syscall(Syscall { number: 230, name: Some("clock_nanosleep") }));
        let Some(Reading::Waiting(fault)) = parse("-1 0x7ffc0 0x7f001\n") else {
            panic!("a page fault is read")
        };
        assert_eq!(fault.activity(), Activity::PageFault);
    }

    #[test]
    fn refuses_what_the_kernel_does_not_write() {
        for text in ["", "walking", "230", "230 0x0", "230 1 2 3 4 5 6 7 8", "x 0x0 0x0"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_thread_that_is_gone_is_unreadable() {
        assert_eq!(read(i32::MAX), Reading::Unreadable);
    }
}
