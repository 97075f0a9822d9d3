//! A word to the app's own log, once per culprit: a `tracing` event, or a line on stderr where nobody listens.

use stallscope_wire::{Cause, Stall, duration};
use std::collections::HashSet;
use std::io::Write;
use std::time::{Duration, Instant};

/// Notices per [`WINDOW`].
const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Culprits that are remembered as told.
const REMEMBERED: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Notices {
    told: HashSet<String>,
    window: Option<Instant>,
    in_window: u32,
    suppressed: u64,
}

impl Notices {
    /// Tells of a stall whose culprit was not told of before. What the host did is no news.
    pub(super) fn stall(&mut self, stall: &Stall) {
        let culprit = culprit(stall);
        if stall.cause == Cause::Host || self.told.len() >= REMEMBERED || !self.told.insert(culprit.clone()) {
            return;
        }
        self.window.get_or_insert_with(Instant::now);
        if self.in_window >= LIMIT {
            self.suppressed += 1;
            return;
        }
        self.in_window += 1;
        let lasted = duration::show(stall.duration_ns);
        let thread = &stall.thread.name;
        let cause = cause(stall);
        say(&format!("{culprit} blocks thread {thread}, for {lasted} so far ({cause})"));
    }

    /// Ends a window that is over, and tells how much it suppressed.
    pub(super) fn beat(&mut self) {
        if self.window.is_some_and(|begun| begun.elapsed() >= WINDOW) {
            if self.suppressed > 0 {
                say(&format!("{} more culprits were not told of in the last minute", self.suppressed));
            }
            (self.window, self.in_window, self.suppressed) = (None, 0, 0);
        }
    }
}

fn say(message: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!(target: "stallscope", "{message}");
    } else {
        // A closed stderr is no reason to stop.
        let _ = writeln!(std::io::stderr(), "stallscope: {message}");
    }
}

fn culprit(stall: &Stall) -> String {
    let frame = stall.stack.as_ref().and_then(stallscope_wire::Stack::culprit_frame);
    let place = frame.and_then(|frame| Some(format!("{}:{}", frame.file.as_ref()?, frame.line?)));
    place
        .or_else(|| frame.and_then(|frame| frame.function.clone()))
        .or_else(|| stall.task.as_ref().map(|task| format!("the task spawned at {}", task.spawned_at)))
        .unwrap_or_else(|| "something unknown".to_owned())
}

fn cause(stall: &Stall) -> String {
    match (stall.cause, &stall.syscall, &stall.lock) {
        (Cause::Cpu, ..) => "computing".to_owned(),
        (Cause::Lock, _, Some(lock)) => format!("waiting for a {lock}"),
        (_, Some(call), _) => format!("in the system call {call}"),
        _ => "cause not known".to_owned(),
    }
}
