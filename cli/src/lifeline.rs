//! What ends a process together with the one that started it.

use std::future::pending;
use std::io;
use std::thread;
use tokio::sync::oneshot::{Receiver, channel};

/// Holds as long as stdin is open, which the process at its other end cannot help closing when it ends.
#[derive(Debug)]
pub(crate) struct Lifeline(Option<Receiver<()>>);

impl Lifeline {
    /// Bound to stdin, or to nothing.
    pub(crate) fn of_stdin(bound: bool) -> Self {
        Self(bound.then(|| {
            let (ended, end) = channel();
            thread::spawn(move || {
                // A stdin that cannot be read is as good as closed, and a receiver that is gone needs no telling.
                let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                let _ = ended.send(());
            });
            end
        }))
    }

    /// Waits until it is cut; forever when it is bound to nothing.
    pub(crate) async fn cut(self) {
        match self.0 {
            // However it ends, it has ended.
            Some(end) => drop(end.await),
            None => pending().await,
        }
    }

    /// Whether it can be cut.
    pub(crate) fn is_bound(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until it is cut, in a thread that may block; not at all when it is bound to nothing.
    pub(crate) fn wait(self) {
        self.0.map(Receiver::blocking_recv);
    }
}
