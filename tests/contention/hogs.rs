//! Processes that do nothing but compute.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

/// How many there are for each processor.
const EACH: usize = 4;

/// Runs until it is dropped; each of them ends by itself after this many seconds on a processor, come what may.
pub(crate) struct Hogs {
    processes: Vec<Child>,
    _alone: MutexGuard<'static, ()>,
}

impl Hogs {
    pub(crate) fn start() -> Self {
        static ONE_TEST: Mutex<()> = Mutex::new(());
        let alone = ONE_TEST.lock().unwrap_or_else(PoisonError::into_inner);
        let hog = |_| {
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -t 30; while :; do :; done"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("a shell runs")
        };
        let processors = available_parallelism().map_or(1, usize::from);
        Self { processes: (0..EACH * processors).map(hog).collect(), _alone: alone }
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
