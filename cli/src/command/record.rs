//! `stallscope record`: keeps an event log of a running process.

mod log;

use crate::failure::{Failure, clean};
use crate::source::{Lines, Next, Target, process_name};
use log::{BUDGET, Log};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use stallscope_wire::duration;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How soon it is noticed that the time is over, or that a signal came.
const PACE: Duration = Duration::from_millis(100);
/// How often the line on the terminal is written anew.
const TELLING: Duration = Duration::from_millis(500);

/// Keep an event log of a running process.
///
/// What the process tells is written to the file line by line, until the process ends, the time is over, or Ctrl-C. The file
/// is whole at any time: `stallscope watch FILE` opens it in the dashboard. It begins with the stalls that the process
/// remembers, and grows to 64 MiB at most: then the older half gives way, but for its newest stalls.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stallscope record 4242 -o slow.jsonl            until Ctrl-C\n  \
    stallscope record 4242 -o slow.jsonl --for 30s  for half a minute\n  stallscope watch slow.jsonl")]
pub(crate) struct Args {
    /// A pid or a live socket.
    #[arg(value_name = "PID|SOCKET")]
    target: String,
    /// The file to write; one that is there is not replaced.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// For how long; else until the process ends, or Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = positive)]
    time: Option<Duration>,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
}

/// Why a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The time is over, or the user has enough.
    Enough,
    /// The process said that it ended.
    Ended,
    /// The process went away without a word.
    Gone,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let enough =
        enough().map_err(|error| Failure::internal(format_args!("cannot listen to signals: {error}")))?;
    let mut lines = Lines::open(&Target::new(&args.target), PACE)
        .map_err(|error| if error.is_no_data() { Failure::no_data(error) } else { Failure::usage(error) })?;
    let file = args.output.display();
    let mut log =
        Log::create(&args.output, lines.text(), args.force, BUDGET).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::usage(format_args!("{file} is there already: name another file, or give --force"))
            }
            _ => Failure::usage(format_args!("cannot write {file}: {error}")),
        })?;
    let header = lines.header();
    let who = format!("{} (pid {})", process_name(header), header.pid);
    let begun = Instant::now();
    let told = Told::new(&who);
    let recorded = record(&mut lines, &mut log, args.time, begun, &enough, told);
    let kept = kept(&log, begun.elapsed());
    let reason = recorded.map_err(|error| {
        Failure::internal(format_args!("recording {who} stopped: {error}; {kept} are in {file}"))
    })?;
    let why = match reason {
        Reason::Enough => "",
        Reason::Ended => ", until the process ended",
        Reason::Gone => ", until the process went away without a word: killed, or crashed",
    };
    say(&format!("recorded {who}{why}: {kept} in {file}; `stallscope watch {file}` shows them"));
    Ok(ExitCode::SUCCESS)
}

/// Becomes true when a signal asks for the end.
fn enough() -> io::Result<Arc<AtomicBool>> {
    let enough = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&enough))?;
    }
    Ok(enough)
}

fn record(
    lines: &mut Lines,
    log: &mut Log,
    time: Option<Duration>,
    begun: Instant,
    enough: &AtomicBool,
    mut told: Told,
) -> Result<Reason, String> {
    let mut ended = false;
    loop {
        if enough.load(Ordering::Relaxed) || time.is_some_and(|time| begun.elapsed() >= time) {
            log.leave().map_err(|error| error.to_string())?;
            return Ok(Reason::Enough);
        }
        match lines.next().map_err(|error| error.to_string())? {
            Next::Line(text) => {
                ended |= text.starts_with(b"{\"kind\":\"end\"");
                log.write(text).map_err(|error| error.to_string())?;
            }
            Next::Nothing => {}
            Next::Gone => return Ok(if ended { Reason::Ended } else { Reason::Gone }),
        }
        told.tell(|| kept(log, begun.elapsed()));
    }
}

/// How much there is, for people.
fn kept(log: &Log, passed: Duration) -> String {
    let mut kept = format!("{} lines, {}, {}s", log.lines, bytes(log.written), passed.as_secs());
    if log.dropped > 0 {
        kept += &format!(" ({} older lines gave way at {})", log.dropped, bytes(BUDGET));
    }
    kept
}

/// `3.2 MiB`.
fn bytes(count: u64) -> String {
    match count {
        0..=1023 => format!("{count} B"),
        1024..=1_048_575 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

/// One line on stderr that is written over again, where that is a terminal.
struct Told {
    who: String,
    terminal: bool,
    last: Option<Instant>,
}

impl Told {
    fn new(who: &str) -> Self {
        Self { who: clean(who), terminal: io::stderr().is_terminal(), last: None }
    }

    fn tell(&mut self, kept: impl FnOnce() -> String) {
        if self.terminal && self.last.is_none_or(|last| last.elapsed() >= TELLING) {
            self.last = Some(Instant::now());
            // Talk, not data: nothing depends on it.
            let _ = write!(io::stderr(), "\r\x1b[K recording {}: {} · Ctrl-C ends it", self.who, kept());
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn say(text: &str) {
    // Talk, not data: nothing depends on it.
    let _ = writeln!(io::stderr(), "{}", clean(text));
}

fn positive(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if time.is_zero() => Err("a recording of no time is empty: give at least 1ms".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}
