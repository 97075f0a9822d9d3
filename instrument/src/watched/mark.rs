//! What is known of one watched future, and where it is counted.

use super::sites::{self, Origin, Site};
use crate::engine;
use crate::observe::{Fate, count_future, scope_here};
use std::thread;
use tokio::task::{Id, try_id};

/// How far a future has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not polled yet.
    Made,
    /// Polled, and not ready.
    Pending,
    /// Ready, or in a poll: one that ends by a panic is not cancelled.
    Over,
}

/// Counts a future at the line that made it, when this is dropped at the latest.
#[derive(Debug)]
pub(super) struct Mark {
    site: &'static Site,
    /// The task that made it.
    maker: Option<Id>,
    /// The scope that made it; 0: none.
    scope: u32,
    state: State,
}

// As the docs of `watched` say.
const _: () = assert!(size_of::<Mark>() <= 24);

impl Mark {
    pub(super) fn new(origin: Origin) -> Self {
        Self { site: sites::find(origin), maker: try_id(), scope: scope_here(), state: State::Made }
    }

    /// A poll begins.
    pub(super) fn begin_poll(&mut self) {
        if self.state == State::Made {
            self.site.count_polled();
            self.tell_scope(Fate::Polled);
        }
        self.state = State::Over;
    }

    /// The poll ended, and the future is not ready.
    pub(super) fn pends(&mut self) {
        self.state = State::Pending;
    }

    fn tell_scope(&self, fate: Fate) {
        if self.scope != 0
            && let Some(origin) = self.site.origin()
        {
            count_future(self.scope, origin.location, origin.function, fate);
        }
    }

    /// The code that drops it unpolled may not have meant to. A task that another one gave the future to, and that is
    /// aborted or whose runtime is shut down before it came to poll, drops what it was given.
    fn is_excused(&self) -> bool {
        let here = try_id();
        thread::panicking() || here.is_some() && here != self.maker
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        match self.state {
            State::Over => {}
            State::Pending => {
                self.site.count_cancelled();
                self.tell_scope(Fate::Cancelled);
            }
            State::Made if self.is_excused() => {
                self.site.count_excused();
                self.tell_scope(Fate::Excused);
            }
            State::Made => {
                self.tell_scope(Fate::Unpolled);
                let first = self.site.count_unpolled();
                // Told at once: whoever drops one may be about to end the process.
                if let Some(engine) = engine::engine().filter(|_| first) {
                    engine.flush_without_waiting();
                }
            }
        }
    }
}
