//! Where a thread's time goes, as the kernel counts it: `/proc/self/task/TID/schedstat`, see sched-stats in the kernel's documentation.

use crate::clock;
use crate::files::read_from_start;
use std::fs::File;
use std::ops::Sub;

/// Reading takes no longer, unless the reader was not run meanwhile: then nobody knows when it read.
const READING_NS: u64 = 1_000_000;
/// How often it is tried again.
const TRIES: usize = 3;

/// Totals of a thread, in nanoseconds; the difference of two is a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// On a processor.
    pub(crate) cpu_ns: u64,
    /// Ready to run and not run. The kernel books it late: when the thread runs again.
    pub(crate) run_queue_ns: u64,
}

impl Sub for Times {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            run_queue_ns: self.run_queue_ns.saturating_sub(earlier.run_queue_ns),
        }
    }
}

/// Reads a thread's times, and whether it sleeps; the files are kept open, since opening one costs ten times as much as
/// reading it.
#[derive(Debug)]
pub(super) struct TimesReader {
    times: Option<File>,
    state: Option<File>,
}

impl TimesReader {
    pub(super) fn new(tid: i32) -> Self {
        let open = |name| File::open(format!("/proc/self/task/{tid}/{name}")).ok();
        Self { times: open("schedstat"), state: open("stat") }
    }

    /// The times, and when they were read; none when the kernel does not tell.
    pub(super) fn read(&self) -> Option<(u64, Times)> {
        let mut at_ns = clock::now_ns();
        for _ in 0..TRIES {
            let times = self.read_once()?;
            let read_ns = clock::now_ns();
            if read_ns - at_ns <= READING_NS {
                return Some((at_ns, times));
            }
            at_ns = read_ns;
        }
        Some((at_ns, self.read_once()?))
    }

    fn read_once(&self) -> Option<Times> {
        let mut buffer = [0; 96];
        let length = read_from_start(self.times.as_ref()?, &mut buffer)?;
        parse(std::str::from_utf8(&buffer[..length]).ok()?)
    }

    /// Whether the thread sleeps: it waits in the kernel, and is not ready to run.
    pub(super) fn sleeps(&self) -> bool {
        let mut buffer = [0; 96];
        let read = self.state.as_ref().and_then(|file| read_from_start(file, &mut buffer));
        read.is_some_and(|length| is_asleep(&buffer[..length]))
    }
}

/// `TID (name) STATE …`, see proc_pid_stat(5); a name may hold anything.
fn is_asleep(stat: &[u8]) -> bool {
    let name_ends = stat.iter().rposition(|&byte| byte == b')');
    let state = name_ends.and_then(|at| stat.get(at + 2));
    matches!(state, Some(b'S' | b'D'))
}

pub(super) fn parse(text: &str) -> Option<Times> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok());
    Some(Times { cpu_ns: words.next()??, run_queue_ns: words.next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(parse("123 45 6\n"), Some(Times { cpu_ns: 123, run_queue_ns: 45 }));
        for text in ["", "123", "a b c"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_state_is_told_from_a_name() {
        assert!(is_asleep(b"12 (tokio-rt-worker) S 1 2 3"));
        assert!(is_asleep(b"12 (a) R (b) D 1 2 3"));
        for stat in [&b"12 (S) R 1 2"[..], b"12 (a", b""] {
            assert!(!is_asleep(stat), "{stat:?}");
        }
    }

    #[test]
    fn whoever_asks_does_not_sleep() {
        assert!(!TimesReader::new(crate::capture::thread::tid()).sleeps());
    }

    #[test]
    fn a_thread_that_computes_gets_processor_time() {
        let reader = TimesReader::new(crate::capture::thread::tid());
        let Some((_, before)) = reader.read() else { return };
        let mut sum = 0u64;
        while (reader.read().unwrap().1 - before).cpu_ns < 5_000_000 {
            sum = std::hint::black_box((0..100_000).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n));
        }
    }
}
