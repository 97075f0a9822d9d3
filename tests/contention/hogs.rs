//! Processes that do nothing but compute.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// How many there are for each processor.
const EACH: usize = 4;

/// Does something while they compute, in one test at a time.
pub(crate) fn beside_hogs<T>(run: impl FnOnce() -> T) -> T {
    static ONE_TEST: Mutex<()> = Mutex::new(());
    let _alone = ONE_TEST.lock().unwrap_or_else(PoisonError::into_inner);
    let _hogs = Hogs::start();
    run()
}

/// They end when this is dropped, and by themselves after half a minute on a processor.
struct Hogs(Vec<Child>);

impl Hogs {
    fn start() -> Self {
        let hog = |_| {
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -t 30; while :; do :; done"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("a shell runs")
        };
        let processors = available_parallelism().map_or(1, usize::from);
        Self((0..EACH * processors).map(hog).collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
