use super::connection::Failure;
use super::events::Events;
use super::histogram::record;
use super::pace::Queue;
use super::shared::Shared;
use super::target::Kind;
use super::websocket::WebSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long nothing is opened after it failed.
const PAUSE: Duration = Duration::from_secs(1);

/// One socket to a target, opened again whenever it ends.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) shared: Arc<Shared>,
    pub(super) target: usize,
    /// Which of the target's sockets it is.
    pub(super) place: usize,
    /// The messages that are due.
    pub(super) queue: Option<Arc<Queue>>,
}

impl Held {
    /// Holds it until the end of the load.
    pub(super) async fn hold(self) {
        // The first ones live shorter, so that they do not all end at one time.
        let share = (self.place + 1) as f64 / self.shared.connections as f64;
        let mut life = self.shared.lifetime.map(|lifetime| lifetime.mul_f64(share));
        while !self.once(life).await && Instant::now() < self.shared.ends {
            life = self.shared.lifetime;
        }
    }

    /// Opens it and holds it until it ends; whether that was the end of the load.
    async fn once(&self, life: Option<Duration>) -> bool {
        let (target, _) = &self.shared.targets[self.target];
        let opening = async {
            let _permit = self.shared.openings.acquire().await.expect("nobody closes it");
            let begun = Instant::now();
            let socket = match target.kind {
                Kind::WebSocket => Socket::Chat(Box::new(self.open_websocket(begun).await?)),
                Kind::Events | Kind::Request(_) => Socket::Events(self.open_events(begun).await?),
            };
            Ok(socket)
        };
        let opened = tokio::select! {
            opened = opening => opened,
            () = self.shared.cut() => return true,
        };
        match opened {
            Ok(mut socket) => {
                tokio::select! {
                    failure = socket.last(self) => {
                        self.shared.tally().lost(self.target, &failure);
                    }
                    () = async { sleep(life.unwrap_or_default()).await }, if life.is_some() => {
                        self.shared.tally().targets[self.target].held.left += 1;
                        return false;
                    }
                    () = self.shared.cut() => {
                        socket.close().await;
                        return true;
                    }
                }
            }
            Err(failure) => {
                self.shared.tally().refused(self.target, &failure);
                if self.shared.tally().targets[self.target].held.open() == 0 {
                    return self.fail_what_is_due(&failure).await;
                }
            }
        }
        tokio::select! {
            () = sleep(PAUSE) => false,
            () = self.shared.cut() => true,
        }
    }

    async fn open_websocket(&self, begun: Instant) -> Result<WebSocket, Failure> {
        let (target, address) = &self.shared.targets[self.target];
        let socket = WebSocket::open(*address, target, &self.shared.content).await?;
        let mut tally = self.shared.tally();
        let held = &mut tally.targets[self.target].held;
        held.opened += 1;
        record(&mut held.opening, begun.elapsed());
        Ok(socket)
    }

    async fn open_events(&self, begun: Instant) -> Result<Events, Failure> {
        let (target, address) = &self.shared.targets[self.target];
        let events = Events::open(*address, target, &self.shared.content, begun).await?;
        self.shared.tally().targets[self.target].held.opened += 1;
        Ok(events)
    }

    /// Fails what comes due during the pause, since there is no socket to send it over; whether the load ended meanwhile.
    async fn fail_what_is_due(&self, failure: &Failure) -> bool {
        let fail = async {
            while let Some(queue) = &self.queue
                && queue.next().await.is_some()
            {
                self.shared.tally().failed(failure);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = sleep(PAUSE) => false,
            () = self.shared.cut() => true,
            () = fail => false,
        }
    }
}

/// What is held.
enum Socket {
    Chat(Box<WebSocket>),
    Events(Events),
}

impl Socket {
    /// Sends what is due and counts what comes, until it is lost.
    async fn last(&mut self, held: &Held) -> Failure {
        match (self, &held.queue) {
            (Self::Chat(socket), queue) => socket.talk(&held.shared, held.target, queue.as_deref()).await,
            (Self::Events(events), _) => events.count(&held.shared, held.target).await,
        }
    }

    /// Takes leave as one ought to.
    async fn close(self) {
        if let Self::Chat(socket) = self {
            socket.close().await;
        }
    }
}
