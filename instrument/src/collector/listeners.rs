//! Readers within the process: tests, and scopes that are observed. Each is handed the lines that tell of its runtime, as they
//! are told, and keeps of them what it wants.

use crate::engine::lock;
use stallscope_wire::Line;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());
/// As many as there are: without one a line costs one load.
static LISTENING: AtomicUsize = AtomicUsize::new(0);

type Hear = Box<dyn FnMut(&Line) + Send>;

struct Listener {
    id: u64,
    runtime: u64,
    /// It tells people itself.
    speaks: bool,
    hear: Hear,
}

/// Hears lines until it is dropped.
pub(crate) struct Listening(u64);

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listening").field(&self.0).finish()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = lock(&LISTENERS);
        let gone: Vec<_> = listeners.extract_if(.., |listener| listener.id == self.0).collect();
        LISTENING.store(listeners.len(), Relaxed);
        drop(listeners);
        drop(gone);
    }
}

/// Hands on the stalls and lags of a runtime, and what concerns the whole process but for its state. Of a runtime whose
/// listener `speaks` nothing is said in the app's log.
pub(crate) fn listen(runtime: u64, speaks: bool, hear: Hear) -> Listening {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Relaxed);
    let mut listeners = lock(&LISTENERS);
    listeners.push(Listener { id, runtime, speaks, hear });
    LISTENING.store(listeners.len(), Relaxed);
    Listening(id)
}

/// The runtime that a line tells of, where it is one.
fn runtime_of(line: &Line) -> Option<u64> {
    match line {
        Line::Stall(stall) => Some(stall.thread.runtime),
        Line::Lag(lag) => Some(lag.runtime),
        _ => None,
    }
}

pub(super) fn hand_on(line: &Line) {
    if LISTENING.load(Relaxed) == 0 || matches!(line, Line::Snapshot(_) | Line::Socket(_) | Line::Handler(_))
    {
        return;
    }
    let of = runtime_of(line);
    let mut listeners = lock(&LISTENERS);
    for listener in listeners.iter_mut().filter(|listener| of.is_none_or(|of| of == listener.runtime)) {
        (listener.hear)(line);
    }
}

/// Whether a listener tells people of what a line tells.
pub(super) fn speaks_of(line: &Line) -> bool {
    LISTENING.load(Relaxed) > 0
        && runtime_of(line).is_some_and(|of| {
            lock(&LISTENERS).iter().any(|listener| listener.speaks && listener.runtime == of)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Pause, Stall, Thread};
    use std::sync::mpsc::channel;

    fn stall_of(runtime: u64) -> Line {
        Line::Stall(Stall { thread: Thread { runtime, ..Thread::default() }, ..Stall::default() })
    }

    #[test]
    fn each_hears_of_its_own_runtime_and_of_the_process_until_it_is_dropped() {
        // Runtimes that no other test has.
        let (one, other) = (u64::MAX, u64::MAX - 1);
        let (heard, lines) = channel();
        let hear = Box::new(move |line: &Line| _ = heard.send(runtime_of(line)));
        let listening = listen(one, true, hear);
        assert!(speaks_of(&stall_of(one)) && !speaks_of(&stall_of(other)));
        for line in [stall_of(one), stall_of(other), Line::Pause(Pause::default())] {
            hand_on(&line);
        }
        drop(listening);
        hand_on(&stall_of(one));
        assert_eq!(lines.iter().collect::<Vec<_>>(), [Some(one), None]);
    }
}
