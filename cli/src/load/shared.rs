use super::mark::{Marks, Sent};
use super::pace::Shot;
use super::plan::Content;
use super::tally::Tally;
use super::target::Target;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// Sockets that are opened at one time: fewer than a usual server lets wait.
const OPENINGS: usize = 64;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Each with its address.
    pub(super) targets: Vec<(Target, SocketAddr)>,
    pub(super) content: Content,
    /// Connections to each.
    pub(super) connections: usize,
    pub(super) lifetime: Option<Duration>,
    /// When nothing is opened any more: all that is sent is due by then.
    pub(super) ends: Instant,
    /// A permit for each socket that may be on its way to be open.
    pub(super) openings: Semaphore,
    tally: Mutex<Tally>,
    marks: Mutex<Marks>,
    cut: watch::Receiver<bool>,
}

impl Shared {
    /// All that is to be sent, until `cut` says so.
    pub(super) fn new(
        targets: Vec<(Target, SocketAddr)>,
        content: Content,
        (connections, lifetime): (usize, Option<Duration>),
        ends: Instant,
        cut: watch::Receiver<bool>,
    ) -> Self {
        let tally = Mutex::new(Tally::new(targets.len()));
        let openings = Semaphore::new(OPENINGS);
        Self {
            targets,
            content,
            connections,
            lifetime,
            ends,
            openings,
            tally,
            marks: Mutex::new(Marks::new()),
            cut,
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of the load.
    pub(super) async fn cut(&self) {
        // It fails only when the generator is gone, which is an end too.
        let _ = self.cut.clone().wait_for(|&cut| cut).await;
    }

    /// Counts a message that goes out now, and gives its text; none when it does not go out.
    pub(super) fn send(&self, shot: Shot, socket_was_idle: bool) -> Option<String> {
        let lag = shot.due.elapsed();
        let Some(number) = self.marks().mark(shot) else {
            self.tally().dropped += 1;
            return None;
        };
        self.tally().sent(lag, socket_was_idle);
        Some(self.content.message.with(number))
    }

    /// Counts what came over a held socket, and the messages that came back with it.
    pub(super) fn received(&self, target: usize, text: &str) {
        let answered = self.marks().take(text);
        let mut tally = self.tally();
        tally.targets[target].held.received += 1;
        for Sent { shot, at } in answered {
            let now = Instant::now();
            tally.answered(shot.target, None, now - shot.due, now - at);
        }
    }
}
