use super::error::{CONNECT, LoadError};
use super::held::Held;
use super::mix::Mix;
use super::pace::{Paced, Queue, Schedule, Shot};
use super::plan::Plan;
use super::shared::Shared;
use super::tally::Tally;
use super::target::{Kind, Target};
use super::{lag, request, room};
use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long answers are waited for after the last request was due.
const DRAIN: Duration = Duration::from_secs(15);

/// What was sent and what came back.
#[derive(Debug)]
pub(crate) struct Load {
    pub(super) targets: Vec<Target>,
    pub(super) rate: f64,
    pub(super) connections: usize,
    /// From the first request to the last response.
    pub(super) took: Duration,
    pub(super) paced: Paced,
    pub(super) tally: Tally,
}

impl Plan {
    /// Sends it all, and waits for the answers. A signal ends it early; what was measured until then holds.
    ///
    /// # Errors
    /// When a target is not allowed or not there, or the system gives no thread, signal or socket.
    #[tokio::main(flavor = "current_thread")]
    pub(crate) async fn run(self) -> Result<Load, LoadError> {
        let mut targets = Vec::new();
        for target in &self.targets {
            targets.push((target.clone(), reach(target, self.remote).await?));
        }
        room::make(self.connections * groups(&targets))?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(LoadError::System)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(LoadError::System)?;

        let (cutter, cut) = watch::channel(false);
        let ends = Instant::now() + self.duration;
        let shared =
            Arc::new(Shared::new(targets, self.content, (self.connections, self.lifetime), ends, cut));
        let mut queues = Queues::new(&self.targets);
        let mut connections = JoinSet::new();
        for (target, queue) in queues.held.iter().cloned() {
            for place in 0..self.connections {
                let (shared, queue) = (Arc::clone(&shared), queue.clone());
                connections.spawn(Held { shared, target, place, queue }.hold());
            }
        }
        if let Some(queue) = &queues.requests {
            for _ in 0..self.connections {
                connections.spawn(request::work(Arc::clone(&shared), Arc::clone(queue)));
            }
        }

        let stop = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let (unresolved, mut resolved) = mpsc::channel(1);
        let schedule = Schedule {
            rate: self.rate,
            duration: self.duration,
            mix: Mix::of(&self.targets),
            queues: std::mem::take(&mut queues.senders),
            unresolved,
        };
        let pacing = schedule.pace(start, Arc::clone(&stop)).map_err(LoadError::System)?;
        let progress = self.progress.start(&shared, start, self.duration).map_err(LoadError::System)?;
        let over = async {
            tokio::time::sleep_until((start + self.duration).into()).await;
            // Nothing ever comes: it is over when the last shot is resolved, and its sender with it.
            let _ = tokio::time::timeout(DRAIN, resolved.recv()).await;
        };
        tokio::select! {
            () = over => {}
            () = lag::measure(&shared) => {}
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = self.until.cut() => {}
        }
        let took = start.elapsed();
        drop(progress);
        stop.store(true, Relaxed);
        cutter.send_replace(true);
        let mut paced = pacing.join().unwrap_or_default();
        while connections.join_next().await.is_some() {}
        for queue in queues.all() {
            paced.dropped += queue.drain().await;
        }
        let on_their_way = shared.marks().give_up();
        let mut tally = std::mem::replace(&mut *shared.tally(), Tally::new(0));
        tally.unfinished += on_their_way;
        paced.dropped += tally.dropped;
        Ok(Load { targets: self.targets, rate: self.rate, connections: self.connections, took, paced, tally })
    }
}

/// Who waits for what.
#[derive(Debug, Default)]
struct Queues {
    /// Of those that send requests, to whatever target.
    requests: Option<Arc<Queue>>,
    /// Of the targets that are held.
    held: Vec<(usize, Option<Arc<Queue>>)>,
    /// For each target, where what is due goes.
    senders: Vec<Option<mpsc::Sender<Shot>>>,
}

impl Queues {
    fn new(targets: &[Target]) -> Self {
        let mut queues = Self::default();
        let (to_requests, requests) = Queue::new();
        for (i, target) in targets.iter().enumerate() {
            let sender = match target.kind {
                Kind::Request(_) => Some(to_requests.clone()),
                Kind::WebSocket | Kind::Events => {
                    let (sender, queue) = Queue::new();
                    let sends = target.weight > 0;
                    queues.held.push((i, sends.then(|| Arc::new(queue))));
                    sends.then_some(sender)
                }
            };
            queues.senders.push(sender);
        }
        if targets.iter().any(|target| !target.kind.is_held()) {
            queues.requests = Some(Arc::new(requests));
        }
        queues
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.requests.iter().chain(self.held.iter().filter_map(|(_, queue)| queue.as_ref()))
    }
}

/// Groups of as many sockets as there are connections: one for each address that requests go to, and for each target that is held.
fn groups(targets: &[(Target, SocketAddr)]) -> usize {
    let (held, requests): (Vec<_>, Vec<_>) = targets.iter().partition(|(target, _)| target.kind.is_held());
    held.len() + requests.iter().map(|(_, address)| address).collect::<HashSet<_>>().len()
}

/// The first address of a target that takes a connection.
async fn reach(target: &Target, remote: bool) -> Result<SocketAddr, LoadError> {
    let mut refusal = io::Error::from(io::ErrorKind::NotFound);
    for address in target.resolve(remote).map_err(LoadError::Target)? {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(address),
            Ok(Err(error)) => refusal = error,
            Err(_) => refusal = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(LoadError::Unreachable(target.authority.clone(), refusal))
}
