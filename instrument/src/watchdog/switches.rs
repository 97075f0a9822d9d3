//! How often a thread was run, as the kernel counts it: while the count stands still, a thread that waits still waits.

use crate::files::read_from_start;
use std::fs::{self, File};

/// What a thread was given so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// Time on a processor, in nanoseconds.
    pub(super) cpu_ns: u64,
    /// How often it was given one.
    pub(super) count: u64,
}

/// Reads a thread's count of runs; the file is kept open. `schedstat` costs 0.7 µs a reading, `status`, which tells a run
/// that follows a wait from one that follows a preemption, 6.
#[derive(Debug)]
pub(super) struct Switches {
    tid: i32,
    schedstat: Option<File>,
}

impl Switches {
    pub(super) fn new(tid: i32) -> Self {
        Self { tid, schedstat: File::open(format!("/proc/self/task/{tid}/schedstat")).ok() }
    }

    /// None when the kernel does not count that, or the thread is gone.
    pub(super) fn runs(&self) -> Option<Runs> {
        let mut buffer = [0; 96];
        let length = read_from_start(self.schedstat.as_ref()?, &mut buffer)?;
        runs(std::str::from_utf8(&buffer[..length]).ok()?)
    }

    /// How often it has waited.
    pub(super) fn waits(&self) -> Option<u64> {
        waits(&fs::read_to_string(format!("/proc/self/task/{}/status", self.tid)).ok()?)
    }
}

/// The first field and the third. A kernel that does not count writes zeros.
fn runs(schedstat: &str) -> Option<Runs> {
    let mut words = schedstat.split_ascii_whitespace();
    let runs = Runs { cpu_ns: words.next()?.parse().ok()?, count: words.nth(1)?.parse().ok()? };
    (runs.count > 0).then_some(runs)
}

fn waits(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(runs("218467329 166457 4\n"), Some(Runs { cpu_ns: 218_467_329, count: 4 }));
        assert_eq!((runs("0 0 0\n"), runs("1 2\n"), runs("")), (None, None, None));
        let status = "Name:\tapp\nvoluntary_ctxt_switches:\t42\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!((waits(status), waits("Name:\tapp\n")), (Some(42), None));
    }

    #[test]
    fn a_wait_is_counted() {
        let switches = Switches::new(crate::capture::thread::tid());
        let (Some(runs), Some(waits)) = (switches.runs(), switches.waits()) else { return };
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(switches.runs().unwrap().count > runs.count && switches.waits().unwrap() > waits);
    }
}
