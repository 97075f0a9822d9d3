use super::{History, Since};
use stallscope_wire::{Header, Line};

/// A process that is looked at from a moment on. A live process tells of what was before too; here that is left out, so
/// that only what happened within the window is judged. It begins with the first snapshot.
#[derive(Debug, Clone)]
pub struct Window {
    history: History,
    since: Since,
}

impl Window {
    /// Of this process nothing is known yet.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self { history: History::new(header), since: Since::default() }
    }

    /// Takes in the next line.
    pub fn apply(&mut self, line: Line) {
        for line in self.since.pass(line) {
            self.history.apply(line);
        }
        self.history.first_at_ns = self.since.at_ns().unwrap_or(0);
    }

    /// What was seen.
    #[must_use]
    pub fn into_history(mut self) -> History {
        // Without a snapshot nobody knows when the window began: what has ended may lie before it.
        for line in self.since.release(u64::MAX) {
            self.history.apply(line);
        }
        self.history
    }
}
