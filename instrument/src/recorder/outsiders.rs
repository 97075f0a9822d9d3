//! What threads that have no cell tell of tasks: they spawn some, and run the jobs of the blocking pool.

use super::locations::OTHER;
use super::sync::{AtomicU64, process_wide};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

process_wide!(OUTSIDERS: Outsiders = Outsiders::new());

/// Those of this process.
pub(super) fn outsiders() -> &'static Outsiders {
    &OUTSIDERS
}

#[derive(Debug)]
struct Row {
    spawned: AtomicU64,
    finished: AtomicU64,
}

/// Written by any thread, by the number of the location.
#[derive(Debug)]
pub(super) struct Outsiders([Row; OTHER + 1]);

impl Outsiders {
    const fn new() -> Self {
        Self([const { Row { spawned: AtomicU64::new(0), finished: AtomicU64::new(0) } }; OTHER + 1])
    }

    /// A task is spawned; how many were before.
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn spawn(&self, number: usize) -> u64 {
        self.0[number].spawned.fetch_add(1, Relaxed)
    }

    /// Release, as a thread does that has a cell.
    #[cfg_attr(
        not(any(tokio_unstable, test)),
        expect(dead_code, reason = "told of by tokio's task hooks alone")
    )]
    pub(super) fn finish(&self, number: usize) {
        self.0[number].finished.fetch_add(1, Release);
    }

    /// Acquire: read before the spawns of all threads.
    pub(super) fn finished(&self, number: usize) -> u64 {
        self.0[number].finished.load(Acquire)
    }

    pub(super) fn spawned(&self, number: usize) -> u64 {
        self.0[number].spawned.load(Relaxed)
    }
}
