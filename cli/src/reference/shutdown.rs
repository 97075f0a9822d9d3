//! How the server ends: who is told, who is waited for, and for how long.

use crate::lifeline::Lifeline;
use crate::log;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Within this time of the first signal, others are the same one: a terminal and a service manager tell each process of a
/// group, and a supervisor passes on what it was told.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// Tells whatever is open that the server ends, and knows when the last of it is gone.
#[derive(Debug, Clone)]
pub(super) struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// The server does not end before this is dropped, within its limit.
    pub(super) fn hold(&self) -> Hold {
        Hold(self.0.subscribe())
    }

    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until nothing holds the server any more.
    pub(super) async fn all_gone(&self) {
        self.0.closed().await;
    }
}

/// Something that is open: a connection, a WebSocket, a stream of events, a queue of jobs.
#[derive(Debug)]
pub(super) struct Hold(watch::Receiver<bool>);

impl Hold {
    /// Waits until the server ends.
    pub(super) async fn ending(&mut self) {
        // A server whose sender is gone has ended as well.
        let _ = self.0.wait_for(|&ending| ending).await;
    }
}

/// Begins the shutdown at SIGINT, at SIGTERM, or when the lifeline is cut; ends the process when it takes too long, or at a
/// second signal, once it has tidied up. What is to be done first is done before anything else is told.
///
/// All of it in threads: the event loop of this server is blocked on purpose, and neither its timers nor its signals are heard then.
///
/// # Errors
/// When the signals cannot be listened to, or a thread cannot be started.
pub(super) fn listen(
    shutdown: Shutdown,
    until: Lifeline,
    limit: Duration,
    first: impl FnOnce() + Send + 'static,
    tidy: impl Fn() + Send + 'static,
) -> io::Result<()> {
    let (tell, told) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let tell_cut: Sender<Option<i32>> = tell.clone();
    spawn("signals", move || signals.forever().try_for_each(|signal| tell.send(Some(signal))))?;
    if until.is_bound() {
        spawn("lifeline", move || {
            until.wait();
            tell_cut.send(None)
        })?;
    }
    spawn("shutdown", move || conduct(&shutdown, &told, limit, first, tidy))
}

fn spawn<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Each word is a signal's number, or none for the lifeline. Returns never once the shutdown has begun: the process ends first.
fn conduct(
    shutdown: &Shutdown,
    told: &Receiver<Option<i32>>,
    limit: Duration,
    first: impl FnOnce(),
    tidy: impl Fn(),
) {
    if told.recv().is_err() {
        return;
    }
    let begun = Instant::now();
    first();
    shutdown.begin();
    tracing::info!("ending");
    loop {
        match told.recv_timeout((begun + limit).saturating_duration_since(Instant::now())) {
            Ok(Some(signal)) if begun.elapsed() > ONE_SIGNAL => {
                tracing::warn!("ending at once");
                tidy();
                // As if the signal had ended it, which it has.
                exit(128 + signal);
            }
            Ok(_) => {}
            Err(_) if begun.elapsed() >= limit => {
                let open = shutdown.0.receiver_count();
                tracing::warn!("cut off {open} connections or jobs, which took longer than {limit:?} to end");
                tidy();
                // Returning from main would wait for threads that block.
                exit(0);
            }
            // Nobody is left who could say more.
            Err(_) => thread::sleep(limit.saturating_sub(begun.elapsed())),
        }
    }
}

/// With all that was logged: nothing of it would be written later.
fn exit(code: i32) -> ! {
    log::finish();
    process::exit(code)
}
