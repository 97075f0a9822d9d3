//! What the kernel tells of a thread besides its system call: `/proc/self/task/TID/status`, see proc_pid_status(5).

use std::fs;

/// Signals that nobody blocks but a handler, most of all one that looks at a crash. It may run on an alternate stack with
/// no room for another handler's frame, and the kernel would end the process for want of it.
const IN_A_HANDLER: [i32; 7] =
    [libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGBUS, libc::SIGFPE, libc::SIGSEGV, libc::SIGSYS];

/// A reading of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// On a processor, or ready for one.
    pub(super) runs: bool,
    /// Signals that are blocked, the first in the lowest bit.
    blocked: u64,
}

impl Status {
    /// Whether a signal can be handled at once and without harm.
    pub(super) fn takes(&self, signal: i32) -> bool {
        let blocks = |signal: i32| self.blocked >> (signal - 1) & 1 == 1;
        !blocks(signal) && !IN_A_HANDLER.into_iter().any(blocks)
    }
}

/// None when the thread is gone, or may not be read.
pub(super) fn read(tid: i32) -> Option<Status> {
    parse(&fs::read_to_string(format!("/proc/self/task/{tid}/status")).ok()?)
}

fn parse(text: &str) -> Option<Status> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let runs = field("State:")?.starts_with('R');
    let blocked = u64::from_str_radix(field("SigBlk:")?, 16).ok()?;
    Some(Status { runs, blocked })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(blocked: &str) -> Status {
        parse(&format!("Name:\tapp\nState:\tR (running)\nSigPnd:\t0\nSigBlk:\t{blocked}\n")).unwrap()
    }

    #[test]
    fn a_thread_that_blocks_the_signal_or_is_in_a_handler_does_not_take_it() {
        assert!(status("0000000000000000").runs);
        assert!(status("0000000000000000").takes(libc::SIGURG));
        let terminate = format!("{:016x}", 1_u64 << (libc::SIGTERM - 1));
        assert!(status(&terminate).takes(libc::SIGURG), "many a program blocks it for good");
        for signal in [libc::SIGURG, libc::SIGSEGV] {
            assert!(!status(&format!("{:016x}", 1_u64 << (signal - 1))).takes(libc::SIGURG));
        }
    }

    #[test]
    fn what_the_kernel_does_not_write_is_refused() {
        for text in ["", "State:\tS (sleeping)\n", "State:\tS\nSigBlk:\tx\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(read(i32::MAX), None);
        assert!(read(crate::capture::thread::tid()).is_some_and(|status| status.runs));
    }
}
