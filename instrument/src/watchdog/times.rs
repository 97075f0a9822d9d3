//! Where a thread's time goes, as the kernel counts it: `/proc/self/task/TID/schedstat`, see sched-stats in the kernel's documentation.

use crate::clock;
use crate::files::read_from_start;
use std::fs::File;
use std::ops::Sub;

/// Reading takes no longer, unless the reader was not run meanwhile: then nobody knows when it read.
const READING_NS: u64 = 1_000_000;
/// What the kernel counts processor time in for programs: `USER_HZ` is 100 on all but Alpha and Itanium.
const TICK_NS: u64 = 10_000_000;
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

/// What a thread does, and how much of its processor time it was in the kernel: `/proc/self/task/TID/stat`, see
/// proc_pid_stat(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// It waits in the kernel, and is not ready to run.
    pub(super) sleeps: bool,
    /// In nanoseconds: its processor time as a whole, shared out by where the kernel's timer found it, in whole ticks.
    pub(super) system_ns: u64,
}

/// Reads a thread's times and its state; the files are kept open, since opening one costs ten times as much as
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

    /// None when the kernel does not tell.
    pub(super) fn state(&self) -> Option<State> {
        let mut buffer = [0; 256];
        let length = read_from_start(self.state.as_ref()?, &mut buffer)?;
        parse_state(&buffer[..length])
    }
}

/// `TID (name) STATE …`, where `stime` is the twelfth after the state; a name may hold anything.
fn parse_state(stat: &[u8]) -> Option<State> {
    let name_ends = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[name_ends + 1..]).ok()?.split_ascii_whitespace();
    let sleeps = matches!(fields.next()?, "S" | "D");
    let ticks: u64 = fields.nth(11)?.parse().ok()?;
    Some(State { sleeps, system_ns: ticks.saturating_mul(TICK_NS) })
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
        let state = |start: &str| parse_state(format!("{start} 1 2 3 4 5 6 7 8 9 10 40 50 0").as_bytes());
        let told = |sleeps, system_ns| Some(State { sleeps, system_ns });
        assert_eq!(state("12 (tokio-rt-worker) S"), told(true, 500_000_000));
        assert_eq!(state("12 (a) R (b) D"), told(true, 500_000_000));
        assert_eq!(state("12 (S) R"), told(false, 500_000_000));
        for stat in [&b"12 (S) R 1 2"[..], b"12 (a", b""] {
            assert_eq!(parse_state(stat), None, "{stat:?}");
        }
    }

    #[test]
    fn whoever_asks_does_not_sleep() {
        let state = TimesReader::new(crate::capture::thread::tid()).state();
        assert!(state.is_none_or(|state| !state.sleeps));
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
