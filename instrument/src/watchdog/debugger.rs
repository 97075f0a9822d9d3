//! Whether a debugger holds the process: what it stops is no stall.

use std::fs;

/// Whether the process is traced, by `TracerPid` in `/proc/self/status`, see proc_pid_status(5).
pub(super) fn is_attached() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| is_traced(&status))
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
