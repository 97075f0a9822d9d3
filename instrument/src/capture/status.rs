//! What the kernel tells of a thread besides its system call: `/proc/self/task/TID/status`, see proc_pid_status(5).

use std::fs;

/// The signals that are not real-time ones.
const CLASSIC: u64 = (1 << 31) - 1;

/// A reading of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// On a processor, or ready for one.
    pub(super) runs: bool,
    /// Signals that are blocked, the first in the lowest bit.
    blocked: u64,
}

impl Status {
    /// Whether a signal can be handled at once and without harm, by how the thread was when it was `met`. One that blocks more
    /// signals now may be in a handler, on an alternate stack with no room for another handler's frame: the kernel ends
    /// the process for want of it.
    pub(super) fn takes(&self, signal: i32, met: Option<Self>) -> bool {
        let before = met.map_or(0, |met| met.blocked);
        self.blocked >> (signal - 1) & 1 == 0 && self.blocked & !before & CLASSIC == 0
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
        let blocks = |signal: i32| status(&format!("{:016x}", 1_u64 << (signal - 1)));
        let nothing = status("0000000000000000");
        assert!(nothing.runs && nothing.takes(libc::SIGURG, None));
        assert!(!blocks(libc::SIGURG).takes(libc::SIGURG, Some(blocks(libc::SIGURG))));
        assert!(!blocks(libc::SIGSEGV).takes(libc::SIGURG, Some(nothing)));
        let terminate = blocks(libc::SIGTERM);
        assert!(terminate.takes(libc::SIGURG, Some(terminate)), "many a program blocks it for good");
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
