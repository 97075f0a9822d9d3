//! Whether a debugger holds the process: what it stops is no stall.

use stallscope_wire::Gap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether a thread is traced, by `TracerPid` in `/proc/self/task/TID/status`, see proc_pid_status(5).
pub(super) fn holds(tid: i32) -> bool {
    fs::read_to_string(format!("/proc/self/task/{tid}/status")).is_ok_and(|status| is_traced(&status))
}

/// What is not seen because of it, once in the process.
pub(super) fn gap() -> Option<Gap> {
    static TOLD: AtomicBool = AtomicBool::new(false);
    (!TOLD.swap(true, Relaxed))
        .then(|| Gap::new("what begins to block while a debugger or strace is attached", "detach it"))
}

fn is_traced(status: &str) -> bool {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|pid| pid.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracer_is_read() {
        assert!(is_traced("Name:\tapp\nTracerPid:\t42\n"));
        assert!(!is_traced("Name:\tapp\nTracerPid:\t0\n"));
        assert!(!is_traced(""));
    }
}
