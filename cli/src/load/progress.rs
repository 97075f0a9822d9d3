use super::histogram::nanos;
use super::shared::Shared;
use stallscope_wire::duration::show;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How the load tells on stderr that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not at all.
    Silent,
    /// One line that is written over again, for a terminal.
    Line,
    /// Now and then a line, for a log.
    Lines,
}

/// Tells it until it is dropped.
#[derive(Debug)]
pub(super) struct Telling {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins, on a thread of its own: a terminal that stands still must not hold up what is sent.
    pub(super) fn start(
        self,
        shared: &Arc<Shared>,
        start: Instant,
        duration: Duration,
    ) -> io::Result<Telling> {
        let pace = match self {
            Self::Silent => return Ok(Telling { end: None, thread: None }),
            Self::Line => Duration::from_millis(500),
            Self::Lines => Duration::from_secs(5),
        };
        let (end, ended) = channel::<()>();
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while ended.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                let line = line(&shared, start.elapsed(), duration);
                // Talk, not data: nothing depends on it.
                let _ = match self {
                    Self::Line => write!(io::stderr(), "\r\x1b[K{line}"),
                    _ => writeln!(io::stderr(), "{line}"),
                };
            }
            if self == Self::Line {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        })?;
        Ok(Telling { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It panics at nothing, and if it did, it was only talk.
            let _ = thread.join();
        }
    }
}

/// How it goes, short enough for 80 columns.
fn line(shared: &Shared, passed: Duration, duration: Duration) -> String {
    let mut tally = shared.tally();
    let answered: u64 = tally.targets.iter().map(|target| target.answered).sum();
    let on_their_way = tally.sent.saturating_sub(answered + tally.failed);
    let seconds = |time: Duration| show(nanos(time) / 1_000_000_000 * 1_000_000_000);
    let mut parts = vec![if passed < duration {
        format!("{} of {}", seconds(passed), seconds(duration))
    } else {
        format!("waiting for the last {on_their_way}")
    }];
    parts.push(format!("sent {} · answered {answered}", tally.sent));
    let held = shared.targets.iter().any(|(target, _)| target.kind.is_held());
    for (count, what, always) in
        [(tally.open(), "open", held), (tally.failed, "failed", false), (tally.late, "late", false)]
    {
        if always || count > 0 {
            parts.push(format!("{what} {count}"));
        }
    }
    if !tally.recent.is_empty() {
        parts.push(format!("p99 {}", show(tally.recent.value_at_quantile(0.99))));
        tally.recent.reset();
    }
    parts.join(" · ")
}
