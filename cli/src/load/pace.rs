use super::mix::Mix;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

/// How soon a stop is noticed.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// A request and the time at which it is due.
#[derive(Debug)]
pub(super) struct Shot {
    /// Index of its target.
    pub(super) target: usize,
    /// When it is to go out.
    pub(super) due: Instant,
}

/// What became of the schedule.
#[derive(Debug, Default)]
pub(super) struct Paced {
    /// Requests that came due.
    pub(super) due: u64,
    /// Of these, those that found the queue full and were not sent.
    pub(super) dropped: u64,
}

/// Puts a request into the queue whenever one is due, on a thread of its own: a runtime's timer counts whole
/// milliseconds, and nothing that the connections do may slow the schedule.
pub(super) fn pace(
    rate: f64,
    duration: Duration,
    mut mix: Mix,
    queue: Sender<Shot>,
    stop: Arc<AtomicBool>,
) -> io::Result<JoinHandle<Paced>> {
    thread::Builder::new().name("pace".to_owned()).spawn(move || {
        let mut paced = Paced::default();
        let start = Instant::now();
        for count in 0u64.. {
            let offset = Duration::from_secs_f64(count as f64 / rate);
            if offset >= duration || !sleep_until(start + offset, &stop) {
                break;
            }
            paced.due += 1;
            match queue.try_send(Shot { target: mix.next(), due: start + offset }) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => paced.dropped += 1,
                Err(TrySendError::Closed(_)) => break,
            }
        }
        paced
    })
}

/// Whether the time came before the stop.
fn sleep_until(time: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Relaxed) {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(STOP_CHECK));
    }
}
