//! A pool of one thread, such as a library that may be called by one thread only needs: all of its jobs wait in one line.
//!
//! Wrong: the line has no end, and the handler waits for its job's outcome with a channel of the standard library's.
//! Cost: a worker stands in line with its job, for all the jobs before it too; what comes faster than one thread works makes
//! the line longer for ever.
//! Cure: the outcome is awaited, and the line is bounded: who finds it full is told so at once, and when to come back.

use super::super::answer::{failed, took};
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

/// The longest line.
const LINE: usize = 8;
/// Seconds after which a place in line may be free again.
const COME_BACK: HeaderValue = HeaderValue::from_static("1");

static ENDLESS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (line, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || jobs.into_iter().for_each(Job::work));
    line
});

static BOUNDED: LazyLock<tokio::sync::mpsc::Sender<AwaitedJob>> = LazyLock::new(|| {
    let (line, mut jobs) = tokio::sync::mpsc::channel::<AwaitedJob>(LINE);
    thread::spawn(move || {
        while let Some(job) = jobs.blocking_recv() {
            job.work();
        }
    });
    line
});

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/pool", get(blocking)).route("/fixed/pool", get(fixed))
}

#[derive(Debug)]
struct Job {
    takes: Duration,
    done: mpsc::Sender<()>,
}

impl Job {
    fn work(self) {
        thread::sleep(self.takes);
        // Nobody may wait for it any more.
        let _ = self.done.send(());
    }
}

async fn blocking(Wait(wait): Wait<200>) -> Response {
    let (done, outcome) = mpsc::channel();
    if ENDLESS.send(Job { takes: wait, done }).is_err() || wait_for(&outcome).is_err() {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "the pool's thread is gone");
    }
    took("/blocking/pool", wait)
}

fn wait_for(outcome: &mpsc::Receiver<()>) -> Result<(), mpsc::RecvError> {
    outcome.recv() // blocks here: lock channel
}

#[derive(Debug)]
struct AwaitedJob {
    takes: Duration,
    done: oneshot::Sender<()>,
}

impl AwaitedJob {
    fn work(self) {
        // Not for somebody who has left while it was in line.
        if !self.done.is_closed() {
            thread::sleep(self.takes);
            let _ = self.done.send(());
        }
    }
}

async fn fixed(Wait(wait): Wait<200>) -> Response {
    let (done, outcome) = oneshot::channel();
    match BOUNDED.try_send(AwaitedJob { takes: wait, done }) {
        Ok(()) if outcome.await.is_ok() => took("/fixed/pool", wait),
        Err(TrySendError::Full(_)) => {
            let mut full = failed(StatusCode::SERVICE_UNAVAILABLE, "too many jobs wait: try again later");
            full.headers_mut().insert(header::RETRY_AFTER, COME_BACK);
            full
        }
        Ok(()) | Err(TrySendError::Closed(_)) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, "the pool's thread is gone")
        }
    }
}
