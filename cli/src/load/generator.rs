use super::connection::Connection;
use super::mix::Mix;
use super::pace::{Paced, Shot, pace};
use super::tally::Tally;
use super::target::{Target, TargetError};
use crate::lifeline::Lifeline;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Requests that may wait for a connection; when more come due they are dropped.
const QUEUE: usize = 10_000;
/// How long responses are waited for after the last request was due.
const DRAIN: Duration = Duration::from_secs(15);
/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What to send.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where to; at least one.
    pub(crate) targets: Vec<Target>,
    /// Requests a second, all targets together.
    pub(crate) rate: f64,
    /// For how long requests come due.
    pub(crate) duration: Duration,
    /// Connections to each address, and so requests on their way at one time.
    pub(crate) connections: usize,
    /// Other machines are allowed.
    pub(crate) remote: bool,
    /// Ends the load, besides SIGINT and SIGTERM.
    pub(crate) until: Lifeline,
}

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

/// What all connections share.
struct Shared {
    /// Each with the index of its address.
    targets: Vec<(Target, usize)>,
    addresses: Vec<SocketAddr>,
    queue: tokio::sync::Mutex<mpsc::Receiver<Shot>>,
    tally: Mutex<Tally>,
    cut: watch::Receiver<bool>,
}

impl Plan {
    /// Sends it all, and waits for the responses. A signal ends it early; what was measured until then holds.
    ///
    /// # Errors
    /// When a target is not allowed or not there, or the system gives no thread or signal.
    #[tokio::main(flavor = "current_thread")]
    pub(crate) async fn run(self) -> Result<Load, LoadError> {
        let (mut targets, mut addresses) = (Vec::new(), Vec::new());
        for target in &self.targets {
            let address = reach(target, self.remote).await?;
            let known = addresses.iter().position(|known| *known == address);
            targets.push((target.clone(), known.unwrap_or(addresses.len())));
            if known.is_none() {
                addresses.push(address);
            }
        }
        let mut interrupted = signal(SignalKind::interrupt()).map_err(LoadError::System)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(LoadError::System)?;

        let (queue, waiting) = mpsc::channel(QUEUE);
        let (cutter, cut) = watch::channel(false);
        let tally = Mutex::new(Tally::new(targets.len()));
        let shared = Arc::new(Shared { targets, addresses, queue: waiting.into(), tally, cut });
        let stop = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let mix = Mix::of(&self.targets);
        let pacing =
            pace(self.rate, self.duration, mix, queue, Arc::clone(&stop)).map_err(LoadError::System)?;
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            connections.spawn(work(Arc::clone(&shared)));
        }
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = tokio::time::sleep(self.duration + DRAIN) => {}
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = self.until.cut() => {}
        }
        let took = start.elapsed();
        stop.store(true, Relaxed);
        cutter.send_replace(true);
        let mut paced = pacing.join().unwrap_or_default();
        while connections.join_next().await.is_some() {}
        let mut left = shared.queue.lock().await;
        while left.try_recv().is_ok() {
            paced.dropped += 1;
        }
        let tally = std::mem::replace(&mut *lock(&shared.tally), Tally::new(0));
        Ok(Load { targets: self.targets, rate: self.rate, connections: self.connections, took, paced, tally })
    }
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

/// Sends one request after the other, as they come due and this connection is free.
async fn work(shared: Arc<Shared>) {
    let mut connections: Vec<_> = shared.addresses.iter().map(|address| Connection::to(*address)).collect();
    let mut cut = shared.cut.clone();
    while !*cut.borrow() {
        let idle_since = Instant::now();
        let Some(shot) = shared.queue.lock().await.recv().await else { return };
        let (target, address) = &shared.targets[shot.target];
        let sent = Instant::now();
        lock(&shared.tally).sent(sent.saturating_duration_since(shot.due), idle_since <= shot.due);
        let outcome = tokio::select! {
            outcome = connections[*address].get(target) => Some(outcome),
            // It fails only when the plan is gone, and then nobody wants the outcome.
            _ = cut.wait_for(|&cut| cut) => None,
        };
        let now = Instant::now();
        let mut tally = lock(&shared.tally);
        match outcome {
            Some(Ok(status)) => tally.targets[shot.target].answered(status, now - shot.due, now - sent),
            Some(Err(error)) => tally.failed(&error),
            None => tally.unfinished += 1,
        }
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why no load can be made.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// A URL is not allowed, or its host is not known.
    Target(TargetError),
    /// Nobody answers.
    Unreachable(String, io::Error),
    /// The operating system gives no thread or signal.
    System(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(f),
            Self::Unreachable(authority, error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    write!(f, "{authority} refuses connections: is the server running, and on this port?")
                }
                io::ErrorKind::TimedOut => {
                    write!(
                        f,
                        "{authority} took no connection within {} s: is the server overloaded?",
                        CONNECT.as_secs()
                    )
                }
                _ => write!(f, "cannot connect to {authority}: {error}"),
            },
            Self::System(error) => write!(f, "cannot start the load: {error}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Target(error) => Some(error),
            Self::Unreachable(_, error) | Self::System(error) => Some(error),
        }
    }
}
