//! What our own threads cost: the processor time that the kernel counts for them.

use crate::files::read_from_start;
use std::fs::File;
use std::sync::{Mutex, PoisonError};

/// The `schedstat` of each, kept open: to open one costs ten times as much as to read it.
static THREADS: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// The calling thread is one of ours from now on.
pub(crate) fn note() {
    if let Ok(times) = File::open("/proc/thread-self/schedstat") {
        THREADS.lock().unwrap_or_else(PoisonError::into_inner).push(times);
    }
}

/// Processor time of our threads so far, in nanoseconds; none where the kernel does not tell.
pub(crate) fn cpu_ns() -> Option<u64> {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let read = |file: &File| {
        let mut buffer = [0; 96];
        let length = read_from_start(file, &mut buffer)?;
        let first = std::str::from_utf8(&buffer[..length]).ok()?.split_ascii_whitespace().next()?;
        first.parse::<u64>().ok()
    };
    threads.iter().filter_map(read).reduce(u64::saturating_add)
}

#[cfg(all(test, target_os = "linux", not(stallscope_elsewhere)))]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_thread_is_read_from_another() {
        std::thread::scope(|scope| {
            let (told, noted) = std::sync::mpsc::channel();
            let (done, over) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                note();
                // The kernel may count by ticks.
                let begun = std::time::Instant::now();
                while begun.elapsed().as_millis() < 30 {
                    std::hint::spin_loop();
                }
                told.send(()).expect("somebody waits");
                let _ = over.recv();
            });
            noted.recv().expect("it is noted");
            assert!(cpu_ns().is_none_or(|ns| ns > 0));
            drop(done);
        });
    }
}
