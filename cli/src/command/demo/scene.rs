use super::play::{Play, Turn};
use super::process::Process;
use super::scenario::{Scenario, story};
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
/// Worker threads of the server: what a small container has, so that a blocked one is missed on any machine.
const WORKERS: (&str, &str) = ("TOKIO_WORKER_THREADS", "2");

/// A server with a story that is played on it, and what its instrument tells.
#[derive(Debug)]
pub(super) struct Scene {
    // In the order in which they end: first who reads, then who asks, then who answers.
    source: Source,
    play: Play,
    _server: Process,
}

impl Scene {
    /// Starts the server at an address, and has the scenario played on it for a time.
    pub(super) fn set(
        addr: SocketAddr,
        scenario: Scenario,
        time: Duration,
        tell: impl Fn(&Turn<'_>) + Send + 'static,
    ) -> Result<Self, Failure> {
        let settings = scenario.settings(story(time));
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).chain([WORKERS]).collect();
        let args = ["serve", "--addr", &addr.to_string()].map(str::to_owned);
        let mut server = Process::start(args, &settings)
            .map_err(|error| Failure::internal(format_args!("cannot start the server: {error}")))?;
        let deadline = Instant::now() + PATIENCE;
        let url = address(&mut server, deadline)?;
        let source = connect(&mut server, deadline)?;
        let play = Play::start(&url, scenario.phases(), time, tell)
            .map_err(|error| Failure::internal(format_args!("cannot start a thread: {error}")))?;
        Ok(Self { source, play, _server: server })
    }

    /// What the server's instrument tells.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// What is played.
    pub(super) fn play(&self) -> &Play {
        &self.play
    }
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
    // Its stdout closes a moment before it is gone.
    let deadline = Instant::now() + Duration::from_secs(1);
    while server.ended().is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
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
