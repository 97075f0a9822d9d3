use super::process::Process;
use crate::failure::Failure;
use crate::source::{Source, Target};
use stallscope_wire::live_socket;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// How long the server may take to start and to be seen, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(15);
/// Requests a second: so few that a healthy server is nearly idle.
const RATE: u32 = 100;
/// Worker threads of the server: what a small container has, so that a blocked one is missed on any machine.
const WORKERS: (&str, &str) = ("TOKIO_WORKER_THREADS", "2");
/// Requests and their share of 400, which take four seconds: in each such time one of every kind of fault, and between them
/// mostly work that is done as it ought to be. By their order the sleep is not over when the computation begins, so that
/// for a third of a second both workers are blocked, and everybody waits; the read comes alone.
const REQUESTS: [(u32, &str); 6] = [
    (1, "/blocking/sleep?ms=1700"),
    (20, "/fixed/sleep?ms=200"),
    (1, "/blocking/cpu?ms=600"),
    (17, "/fixed/cpu?ms=20"),
    (1, "/blocking/file"),
    (360, "/"),
];

/// A server under load, and what its instrument tells.
#[derive(Debug)]
pub(super) struct Scene {
    // In the order in which they end: first who reads, then who asks, then who answers.
    source: Source,
    _load: Process,
    _server: Process,
    url: String,
}

impl Scene {
    /// Starts the server at an address, and a load on it for a time.
    pub(super) fn set(addr: SocketAddr, time: Duration) -> Result<Self, Failure> {
        let mut server =
            start("server", ["serve".to_owned(), "--addr".to_owned(), addr.to_string()], &[WORKERS])?;
        let deadline = Instant::now() + PATIENCE;
        let url = address(&mut server, deadline)?;
        let source = connect(&mut server, deadline)?;
        let load = ["load", "--rate", &RATE.to_string(), "--duration", &format!("{}ms", time.as_millis())];
        let targets = REQUESTS.map(|(share, path)| format!("{share}*{url}{path}"));
        let mut load = start("load", load.map(str::to_owned).into_iter().chain(targets), &[])?;
        // Nobody wants what it measured, but it must not find its stdout closed.
        if let Some(mut stdout) = load.stdout() {
            thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        }
        Ok(Self { source, _load: load, _server: server, url })
    }

    /// What the server's instrument tells.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

fn start(
    what: &str,
    args: impl IntoIterator<Item = String>,
    environment: &[(&str, &str)],
) -> Result<Process, Failure> {
    Process::start(args, environment)
        .map_err(|error| Failure::internal(format_args!("cannot start the {what}: {error}")))
}

/// Where the server says that it listens.
fn address(server: &mut Process, deadline: Instant) -> Result<String, Failure> {
    let (tell, told) = sync_channel(1);
    if let Some(stdout) = server.stdout() {
        thread::spawn(move || {
            let mut line = String::new();
            // No line, or half of one, is an address as little as any other text.
            let _ = BufReader::new(stdout).read_line(&mut line);
            tell.send(line)
        });
    }
    let line = told.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap_or_default();
    match line.trim_end().strip_prefix("listening on ") {
        Some(url) => Ok(url.to_owned()),
        None => Err(silent(server)),
    }
}

/// The server did not start: its own words say best why.
fn silent(server: &mut Process) -> Failure {
    // Its stdout closes a moment before it is gone, and its last words have to be read.
    let deadline = Instant::now() + Duration::from_secs(1);
    while server.ended().is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(20));
    let words = server.last_words();
    match server.ended().map(|status| status.code()) {
        Some(Some(2)) => Failure::usage(words.trim_start_matches("error: ")),
        Some(_) => Failure::internal(format_args!("the server ended as soon as it started:\n{words}")),
        None => Failure::internal(format_args!(
            "the server did not start within {} s: {words}",
            PATIENCE.as_secs()
        )),
    }
}

/// The server's live socket, as soon as it is there.
fn connect(server: &mut Process, deadline: Instant) -> Result<Source, Failure> {
    let socket = live_socket(rustix::process::geteuid().as_raw(), server.id());
    let target = Target::Path(socket.clone());
    loop {
        let late = Instant::now() >= deadline;
        if socket.exists() || late {
            match Source::open(&target) {
                Ok(source) => return Ok(source),
                Err(error) if late => {
                    return Err(Failure::internal(format_args!(
                        "the server runs and cannot be watched: {error}"
                    )));
                }
                // It is made, but nobody listens yet.
                Err(_) => {}
            }
        }
        if server.ended().is_some() {
            return Err(silent(server));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
