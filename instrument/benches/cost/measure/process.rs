//! What the kernel counts of processes and their threads.

use std::fs;

/// Processor time of this process.
pub(crate) fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the process's CPU clock is reached through libc")]
    // SAFETY: the kernel fills the time that is passed to it.
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time);
    }
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Processor time of the living threads of a process whose names begin with `prefix`.
pub(crate) fn threads_cpu_ns(pid: u32, prefix: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let read = |thread: &fs::DirEntry, file| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
    threads
        .filter(|thread| read(thread, "comm").starts_with(prefix))
        .filter_map(|thread| read(&thread, "schedstat").split(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// A line of the status of this process that counts memory, in KiB.
pub(crate) fn memory_kib(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells of this process");
    let value = status.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':'));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {line} in the status"))
}
