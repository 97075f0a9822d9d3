use super::mix::Mix;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Requests that may wait for a connection; when more come due they are dropped.
const WAITING: usize = 10_000;
/// How soon a stop is noticed.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// A request or a message, and the time at which it is due.
#[derive(Debug)]
pub(super) struct Shot {
    /// Index of its target.
    pub(super) target: usize,
    /// When it is to go out.
    pub(super) due: Instant,
    /// Is gone when it is known what became of it.
    pub(super) _unresolved: Sender<()>,
}

/// What is due and waits for a connection; who takes from it gets the turn in order.
#[derive(Debug)]
pub(super) struct Queue(Mutex<Receiver<Shot>>);

impl Queue {
    pub(super) fn new() -> (Sender<Shot>, Self) {
        let (due, waiting) = channel(WAITING);
        (due, Self(Mutex::new(waiting)))
    }

    /// The next that is due; none when nothing comes due any more. Nothing is lost when this is dropped.
    pub(super) async fn next(&self) -> Option<Shot> {
        self.0.lock().await.recv().await
    }

    /// Throws away what nobody took; how much it was.
    pub(super) async fn drain(&self) -> u64 {
        let mut waiting = self.0.lock().await;
        waiting.close();
        let mut left = 0;
        while waiting.try_recv().is_ok() {
            left += 1;
        }
        left
    }
}

/// What became of the schedule.
#[derive(Debug, Default)]
pub(super) struct Paced {
    /// Requests and messages that came due.
    pub(super) due: u64,
    /// Of these, those that found the queue full and were not sent.
    pub(super) dropped: u64,
}

/// When something is due, and where it goes.
#[derive(Debug)]
pub(super) struct Schedule {
    /// A second.
    pub(super) rate: f64,
    pub(super) duration: Duration,
    pub(super) mix: Mix,
    /// For each target, the queue of those that send to it; none for what is only held.
    pub(super) queues: Vec<Option<Sender<Shot>>>,
    /// Every shot holds a part of it until it is resolved.
    pub(super) unresolved: Sender<()>,
}

impl Schedule {
    /// Puts a request into a queue whenever one is due, on a thread of its own: a runtime's timer counts whole
    /// milliseconds, and nothing that the connections do may slow the schedule.
    pub(super) fn pace(mut self, start: Instant, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<Paced>> {
        thread::Builder::new().name("pace".to_owned()).spawn(move || {
            let mut paced = Paced::default();
            for count in 0u64.. {
                let offset = Duration::from_secs_f64(count as f64 / self.rate);
                let Some(target) = self.mix.next() else { break };
                let Some(queue) = &self.queues[target] else { continue };
                let due = start + offset;
                if offset >= self.duration || !sleep_until(due, &stop) {
                    break;
                }
                paced.due += 1;
                match queue.try_send(Shot { target, due, _unresolved: self.unresolved.clone() }) {
                    Ok(()) => {}
                    Err(TrySendError::Full(_)) => paced.dropped += 1,
                    Err(TrySendError::Closed(_)) => break,
                }
            }
            paced
        })
    }
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
