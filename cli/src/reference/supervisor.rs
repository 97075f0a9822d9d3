//! Several processes on one port, each replaced when it dies.

mod child;

use super::failure::ServeError;
use super::listen;
use super::server::announce;
use super::service::shared_cookie_key;
use crate::lifeline::Lifeline;
use child::{Child, Event};
use rustix::process::Signal;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A process that ends sooner than this after its start has not got over it.
const EARLY: Duration = Duration::from_secs(2);
/// So many such ends in a row are no accident.
const EARLY_ENDS: u32 = 5;
/// The pause before a process is replaced; doubled with each early end.
const PAUSE: Duration = Duration::from_millis(100);
/// How the command says that its arguments do not do, which starting it again does not cure.
const USAGE: i32 = 2;

/// Which processes, and until when.
#[derive(Debug)]
pub(crate) struct Processes {
    /// How many.
    pub(crate) count: u32,
    /// Where they listen; port 0 picks a free one.
    pub(crate) addr: SocketAddr,
    /// What they are told besides that, as arguments.
    pub(crate) arguments: Vec<String>,
    /// Ends them, besides SIGINT and SIGTERM.
    pub(crate) until: Lifeline,
}

/// Runs the processes until it is told to end, and gives the worst of their exit codes. Prints the address to stdout once all of them
/// take requests.
///
/// # Errors
/// When the address cannot be listened on, or processes end as soon as they start.
pub(crate) fn supervise(processes: Processes) -> Result<u8, ServeError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(processes))
}

async fn run(processes: Processes) -> Result<u8, ServeError> {
    let refused = |error| ServeError::Bind(processes.addr, error);
    // A shared port would be shared with any other server that shares its own.
    drop(listen::bind(processes.addr, false).map_err(refused)?);
    // It never listens, so that no connection comes to it; it holds the port while processes come and go.
    let port = listen::bind(processes.addr, true).map_err(refused)?;
    let addr = port.local_addr()?.as_socket().unwrap_or(processes.addr);
    let mut arguments = vec!["serve".to_owned(), "--addr".to_owned(), addr.to_string()];
    arguments.extend(["--share-port", "--exit-with-stdin"].map(str::to_owned));
    arguments.extend(processes.arguments);

    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let cut = processes.until.cut();
    tokio::pin!(cut);
    let mut ending = false;

    let cookie_key = shared_cookie_key();
    let orders = broadcast::Sender::new(16);
    let (ready, mut got_ready) = mpsc::unbounded_channel();
    let mut slots = JoinSet::new();
    for number in 1..=processes.count {
        let slot = Slot {
            number,
            arguments: arguments.clone(),
            cookie_key: cookie_key.clone(),
            ready: ready.clone(),
        };
        slots.spawn(slot.keep(orders.subscribe()));
    }
    let mut waited_for = processes.count;
    let mut worst = 0;
    let mut failure = None;
    loop {
        let order = tokio::select! {
            ended = slots.join_next() => match ended {
                None => return failure.map_or(Ok(worst), Err),
                Some(Ok(Ok(code))) => {
                    worst = worst.max(code);
                    continue;
                }
                Some(Ok(Err(error))) => {
                    failure.get_or_insert(error);
                    Signal::TERM
                }
                Some(Err(error)) => {
                    failure.get_or_insert(ServeError::Other(io::Error::other(error)));
                    Signal::TERM
                }
            },
            Some(()) = got_ready.recv(), if waited_for > 0 => {
                waited_for -= 1;
                if waited_for == 0 {
                    announce(addr)?;
                }
                continue;
            }
            _ = interrupted.recv() => Signal::INT,
            _ = terminated.recv() => Signal::TERM,
            // Who has started us and goes as well says nothing new, where a second signal does.
            () = &mut cut, if !ending => Signal::TERM,
        };
        ending = true;
        // Nobody left to be told is what was wanted.
        let _ = orders.send(order);
    }
}

/// The place of one process, and of those that come after it.
struct Slot {
    number: u32,
    arguments: Vec<String>,
    /// A variable that all of them share.
    cookie_key: (&'static str, String),
    /// Told when the first of them takes requests.
    ready: mpsc::UnboundedSender<()>,
}

impl Slot {
    /// Keeps a process running until there is an order to end, and gives the exit code of the last.
    async fn keep(self, mut orders: broadcast::Receiver<Signal>) -> Result<u8, ServeError> {
        let Self { number, arguments, cookie_key, ready } = self;
        let mut ready = Some(ready);
        let mut early = 0;
        loop {
            let started = Instant::now();
            let mut child = Child::start(&arguments, &cookie_key)?;
            let ended = loop {
                tokio::select! {
                    event = child.next() => match event? {
                        Event::Ended(how) => break how,
                        Event::Listening => if let Some(ready) = ready.take() {
                            // Nobody waits for it when all shall end.
                            let _ = ready.send(());
                        },
                    },
                    order = orders.recv() => return child.end(order.unwrap_or(Signal::TERM), &mut orders).await,
                }
            };
            let (id, how) = (child.id(), tell(ended));
            if ended.code() == Some(USAGE) {
                return Err(ServeError::Processes(format!("process {number} cannot start: {how}")));
            }
            early = if started.elapsed() < EARLY { early + 1 } else { 0 };
            if early == EARLY_ENDS {
                return Err(ServeError::Processes(format!(
                    "process {number} ended {EARLY_ENDS} times within {} s of its start, the last time with {how}: given up",
                    EARLY.as_secs()
                )));
            }
            tracing::warn!("process {number} (pid {id}) ended with {how} and is replaced");
            tokio::select! {
                () = sleep(PAUSE * 2_u32.pow(early)) => {}
                // There is none that could end well or badly.
                _ = orders.recv() => return Ok(0),
            }
        }
    }
}

/// The exit code, or that of a shell for a process that a signal has ended.
fn code(ended: ExitStatus) -> u8 {
    let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn tell(ended: ExitStatus) -> String {
    match (ended.code(), ended.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => ended.to_string(),
    }
}
