//! `stallscope watch`: the dashboard, live or from a recording.

mod dashboard;
mod pick;
mod plain;
mod sources;
mod terminal;

use crate::source::{Found, Source, Target, Vitality, discover, process_name};
use crate::{color::Color, failure::Failure};
use std::io::{self, IsTerminal};
use std::process::ExitCode;

/// Watch a process live, or see what an event log holds.
///
/// Without a terminal on stdout: the process's health in a sentence, then the findings as they appear, one line each.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stallscope watch             the only instrumented process, or pick one\n  \
    stallscope watch 4242        the process with this pid\n  stallscope watch app.jsonl   an event log\n  \
    stallscope watch --play app.jsonl   from its beginning: < > speed, ← → seconds, [ ] stalls"
)]
pub(crate) struct Args {
    /// A pid, a live socket or an event log; nothing: pick from the processes that run.
    #[arg(value_name = "PID|SOCKET|LOG")]
    target: Option<String>,
    /// Play an event log from its beginning, instead of showing how it ended.
    #[arg(long)]
    play: bool,
}

/// Why the dashboard was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The user is done, or without a terminal there is nothing more to say.
    Done,
    /// A signal asked for it.
    Signal(u8),
}

impl Closed {
    /// The exit code of a command that ends with the dashboard.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Signal(signal) => ExitCode::from(128 + signal),
        }
    }
}

pub(crate) fn run(args: Args, color: Color) -> Result<ExitCode, Failure> {
    let target = match args.target {
        Some(text) => Target::new(&text),
        None => match pick(color)? {
            Ok(target) => target,
            Err(closed) => return Ok(closed.exit_code()),
        },
    };
    let mut source = Source::open(&target)
        .map_err(|error| if error.is_no_data() { Failure::no_data(error) } else { Failure::usage(error) })?;
    if args.play && source.recording.is_none() {
        return Err(Failure::usage(
            "--play is for event logs: a live process goes on by itself; to look back, press ←",
        ));
    }
    source.play = args.play;
    show(&source, &|| None, color).map(Closed::exit_code)
}

/// What the dashboard is to say besides what its source tells.
pub(crate) type Remark<'a> = &'a dyn Fn() -> Option<String>;

/// Shows a source until it is closed: as dashboard on a terminal, else as text.
pub(crate) fn show(source: &Source, remark: Remark<'_>, color: Color) -> Result<Closed, Failure> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return dashboard::run(source, remark, color.on(&stdout)).map_err(terminal_failed);
    }
    plain::run(source, &mut stdout.lock())?;
    Ok(Closed::Done)
}

/// What to watch when nothing is named; or that the user did not want any of it.
fn pick(color: Color) -> Result<Result<Target, Closed>, Failure> {
    let found = discover().map_err(Failure::usage)?;
    let alive: Vec<_> =
        found.into_iter().filter(|found| matches!(found.vitality, Vitality::Alive(_))).collect();
    match alive.as_slice() {
        [] => Err(Failure::no_data(
            "nothing to watch: no instrumented process of this user runs now; start one \
             (#[stallscope::main] in place of #[tokio::main]), name an event log, or try `stallscope demo`",
        )),
        [only] => Ok(Ok(Target::Path(only.socket.clone()))),
        several if io::stdout().is_terminal() => {
            let chosen = pick::run(several, color.on(&io::stdout())).map_err(terminal_failed)?;
            Ok(chosen.map(|index| Target::Path(several[index].socket.clone())))
        }
        several => {
            let named = |found: &Found| match &found.vitality {
                Vitality::Alive(summary) => format!("{} ({})", found.pid, process_name(&summary.header)),
                _ => found.pid.to_string(),
            };
            let pids: Vec<_> = several.iter().map(named).collect();
            Err(Failure::usage(format_args!(
                "several processes run: name one of the pids {}",
                pids.join(", ")
            )))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn terminal_failed(error: io::Error) -> Failure {
    Failure::internal(format_args!(
        "cannot use the terminal: {error}; pipe the output through cat for plain text"
    ))
}
