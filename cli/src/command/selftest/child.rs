//! The process that blocks, and what is seen of it.

use super::super::demo::process::Process;
use super::super::doctor::Binary;
use super::outcome::Watched;
use super::ways::WAYS;
use crate::failure::Failure;
use crate::reference::trials::{Cue, GO};
use crate::source::{Message, Source, Target};
use rustix::process::{Pid, Signal, kill_process};
use stallscope::analysis::History;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the process may take to start and to be seen, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may take to go through all trials there.
const TRIALS: Duration = Duration::from_secs(90);
/// How long after the last trial all of them are to be told: what only grows is told last.
const LAST_WORDS: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(10);
/// How long it is stopped where it asks for that.
const STOPPED: Duration = Duration::from_millis(250);

/// What is told sooner than a program's users would want it to be, so that the test takes seconds.
const SETTINGS: [(&str, &str); 9] = [
    ("STALLSCOPE_THRESHOLD", "50ms"),
    ("STALLSCOPE_GRACE", "0ms"),
    ("STALLSCOPE_NEVER_POLLED", "200ms"),
    ("STALLSCOPE_LOST_TASK", "300ms"),
    ("STALLSCOPE_POOL_LIMIT", "100ms"),
    ("STALLSCOPE_LEAK_WINDOW", "1s"),
    ("STALLSCOPE_CLOSE_WAIT", "1s"),
    ("STALLSCOPE_LAG_LIMIT", "30ms"),
    // One of the trials panics.
    ("RUST_BACKTRACE", "0"),
];

/// What was seen when all trials were over.
#[derive(Debug)]
pub(super) struct Trials {
    pub(super) history: History,
    /// In the order of the ways.
    pub(super) seen: Vec<Watched>,
    /// How long it took to name the first of them; none where that was not seen.
    pub(super) names_after: Option<Duration>,
    /// Functions have names in this build.
    pub(super) named: bool,
}

/// Starts the process, looks on, and ends it.
pub(super) fn run(sampled: bool) -> Result<Trials, Failure> {
    let folder = tempfile::Builder::new().prefix("stallscope-").tempdir().map_err(|error| {
        Failure::internal(format_args!(
            "cannot make a temporary folder for the live socket: {error} (TMPDIR says where it goes)"
        ))
    })?;
    let socket = folder.path().join("selftest.sock");
    let path = socket.to_string_lossy();
    let settings: Vec<_> = SETTINGS.into_iter().chain([("STALLSCOPE_SOCKET", &*path)]).collect();
    let flag = sampled.then(|| "--sampled".to_owned());
    let mut process = Process::start(["selftest".to_owned()].into_iter().chain(flag), &settings)
        .map_err(|error| Failure::internal(format_args!("cannot start the process that blocks: {error}")))?;
    let cues = cues(&mut process);
    let source = connect(&mut process, &socket)?;
    let mut history = History::new(source.header.clone());
    let named = std::env::current_exe().and_then(|own| Binary::read(&own)).is_ok_and(|own| own.names);
    let names_after = warm_up(&mut process, &source, &mut history, named)?;
    let begun = process.stdin().map(|stdin| stdin.write_all(&[GO]).and_then(|()| stdin.flush()));
    if !matches!(begun, Some(Ok(()))) {
        return Err(ended(&mut process));
    }
    watch(&mut process, &source, &cues, history, (sampled, named)).map(|(history, seen)| Trials {
        history,
        seen,
        names_after,
        named,
    })
}

/// Waits until the names of what blocks first have been looked up, which takes longest the first time. How long that took,
/// from the stall's first line on. Where there are no names, none are waited for.
fn warm_up(
    process: &mut Process,
    source: &Source,
    history: &mut History,
    named: bool,
) -> Result<Option<Duration>, Failure> {
    let (deadline, mut first) = (Instant::now() + PATIENCE, None);
    while Instant::now() < deadline {
        match source.messages.recv_timeout(LOOK) {
            Ok(Message::Line(line, _)) => history.apply(*line),
            Err(RecvTimeoutError::Timeout) => continue,
            Ok(Message::Failed(error)) => return Err(Failure::internal(error)),
            Ok(Message::Ended(_)) | Err(RecvTimeoutError::Disconnected) => return Err(ended(process)),
        }
        if let Some(record) = history.stalls().next() {
            let first = first.get_or_insert_with(Instant::now);
            let frames = record.stall.stack.iter().flat_map(|stack| &stack.frames);
            if frames.clone().next().is_some()
                && (!named || frames.clone().any(|frame| frame.function.is_some()))
            {
                return Ok(Some(first.elapsed()));
            }
        }
    }
    // That nothing is named, or told at all, the trials will show.
    Ok(None)
}

/// What the process says that it does.
fn cues(process: &mut Process) -> Receiver<Cue> {
    let (tell, told) = channel();
    if let Some(stdout) = process.stdout() {
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.filter_map(|line| Cue::parse(&line)).try_for_each(|cue| tell.send(cue))
        });
    }
    told
}

fn connect(process: &mut Process, socket: &Path) -> Result<Source, Failure> {
    let (target, deadline) = (Target::Path(socket.to_owned()), Instant::now() + PATIENCE);
    loop {
        if process.ended().is_some() {
            return Err(ended(process));
        }
        match Source::open(&target) {
            Ok(source) => return Ok(source),
            Err(error) if Instant::now() >= deadline => {
                let words = process.last_words();
                let said = if words.is_empty() { String::new() } else { format!("\nit said: {words}") };
                return Err(Failure::internal(format_args!(
                    "the process that blocks runs and cannot be watched: {error}{said}"
                )));
            }
            // The socket is not there yet, or nobody listens yet.
            Err(_) => thread::sleep(LOOK),
        }
    }
}

/// Its own words say best why.
fn ended(process: &mut Process) -> Failure {
    let deadline = Instant::now() + Duration::from_secs(1);
    while process.ended().is_none() && Instant::now() < deadline {
        thread::sleep(LOOK);
    }
    Failure::internal(format_args!(
        "the process that blocks ended before its time:\n{}",
        process.last_words()
    ))
}

fn watch(
    process: &mut Process,
    source: &Source,
    cues: &Receiver<Cue>,
    mut history: History,
    (sampled, named): (bool, bool),
) -> Result<(History, Vec<Watched>), Failure> {
    let mut seen: Vec<_> = WAYS.iter().map(|way| Watched::new(way, sampled, named)).collect();
    let mut until = Instant::now() + TRIALS;
    let mut over = false;
    while Instant::now() < until && !(over && seen.iter().all(Watched::is_settled)) {
        let message = source.messages.recv_timeout(LOOK);
        for cue in cues.try_iter() {
            match &cue {
                Cue::Stop { .. } => stop_for_a_while(process),
                Cue::Over => (over, until) = (true, Instant::now() + LAST_WORDS),
                _ => {}
            }
            seen.iter_mut().for_each(|seen| seen.hear(&cue));
        }
        match message {
            Ok(Message::Line(line, _)) => {
                history.apply(*line);
                let now_ns = now_ns();
                seen.iter_mut().for_each(|seen| seen.look(&history, now_ns));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Failed(error)) => return Err(Failure::internal(error)),
            Ok(Message::Ended(_)) | Err(RecvTimeoutError::Disconnected) => return Err(ended(process)),
        }
    }
    if !over {
        return Err(Failure::internal(format_args!(
            "the process that blocks did not come to its end within {} s",
            TRIALS.as_secs()
        )));
    }
    Ok((history, seen))
}

/// For the process it is as if the machine had not run it.
fn stop_for_a_while(process: &Process) {
    let Some(pid) = Pid::from_raw(process.id().cast_signed()) else { return };
    // One that is gone cannot be stopped, and its end is noticed elsewhere.
    if kill_process(pid, Signal::STOP).is_ok() {
        thread::sleep(STOPPED);
        let _ = kill_process(pid, Signal::CONT);
    }
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
