//! What the dashboard costs whoever watches.
//!
//! `cargo bench -p stallscope-cli --bench dashboard`. A live view of a very large process, in processor time of its own threads:
//! of a second's lines, and of ten frames; and a log of 64 MB: how long it takes to open, and to show another time of it. The
//! processes are made up (`made.rs`).

/// The command line's own modules: it is no library.
#[path = "../../src"]
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "commands use more of them, and tests that do not run here"
)]
mod measured {
    pub(crate) mod failure;
    pub(crate) mod markdown;
    pub(crate) mod model;
    #[cfg(test)]
    pub(crate) mod scenario;
    pub(crate) mod source;
    pub(crate) mod view;
}

mod live;
mod log;
mod made;

#[cfg(test)]
use measured::scenario;
use measured::{failure, markdown, model, source, view};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Frames a second.
const FRAMES: u32 = 10;
const WIDTH: u16 = 120;
const HEIGHT: u16 = 40;

fn main() {
    live::measure();
    log::measure();
}

/// What this thread has taken of a processor so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What something takes of a processor.
fn taken<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let before = cpu();
    let result = what();
    (cpu().saturating_sub(before), result)
}

/// Memory of this process that is in use, in bytes.
fn resident() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    told.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle and the longest.
fn spread(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    (times.get(times.len() / 2).copied().map_or(0.0, ms), times.last().copied().map_or(0.0, ms))
}
