//! `stallscope watch`: the dashboard, live or from a recording.

mod dashboard;
mod editor;
mod export;
mod pick;
mod plain;
pub(super) mod sources;
mod terminal;

use crate::settings::{Flags, Settings};
use crate::source::{
    Feed, Finder, Opened, Source, Target, Vitality, Wanted, discover, open_all, process_name,
};
use crate::{
    color::Color,
    failure::{Failure, clean, unless_closed},
};
use plain::Format;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Watch processes live, or see what event logs hold.
///
/// A process that is started again is watched on, and so is each that runs the same program with the same arguments; a pid
/// that is not instrumented stands for all that it has started. Without a terminal on stdout: how each process is in a
/// sentence, then each stall, finding and end in a line of its own, until all of them have ended.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stallscope watch             the only instrumented process, or pick some\n  \
    stallscope watch 4242        the process with this pid, or what it has started\n  \
    stallscope watch --all       every process, those that come later too\n  \
    stallscope watch app.jsonl   an event log\n  \
    stallscope watch --play app.jsonl   from its beginning: < > speed, ← → seconds, [ ] stalls\n  \
    stallscope watch 4242 | tee stalls.txt"
)]
pub(crate) struct Args {
    /// Pids, live sockets or event logs; nothing: pick from the processes that run.
    #[arg(value_name = "PID|SOCKET|LOG", conflicts_with = "all")]
    targets: Vec<String>,
    /// All instrumented processes of this user, those that come later too.
    #[arg(long)]
    all: bool,
    /// No dashboard, but lines of this form. So it is too, with text, without a terminal on stdout.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Play event logs from their beginning, instead of showing how they ended.
    #[arg(long)]
    play: bool,
    #[command(flatten)]
    settings: Flags,
    /// Print all settings as they hold, in the form of their file, and what each key does; and end.
    #[arg(long, help_heading = "Dashboard")]
    print_config: bool,
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

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    if args.print_config {
        let printed = Settings::load(args.settings)?.to_string();
        unless_closed(io::stdout().lock().write_all(printed.as_bytes()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = args.format.or_else(|| (!io::stdout().is_terminal()).then_some(Format::Text));
    let Opened { mut sources, wanted, left_out } = if args.all {
        let targets: Vec<_> = alive()?.into_iter().map(|(_, target)| target).collect();
        Opened { wanted: Wanted { all: true, ..Wanted::default() }, ..open(&targets)? }
    } else if args.targets.is_empty() {
        match choose(format.is_none().then_some(args.settings), color)? {
            Ok(targets) => open(&targets)?,
            Err(closed) => return Ok(closed.exit_code()),
        }
    } else {
        open(&args.targets.iter().map(|text| Target::new(text)).collect::<Vec<_>>())?
    };
    if args.play {
        if sources.iter().any(|source| source.recording.is_none()) {
            return Err(Failure::usage(
                "--play is for event logs: a live process goes on by itself; to look back, press ←",
            ));
        }
        sources.iter_mut().for_each(|source| source.play = true);
    }
    let live = sources.iter().any(Source::is_live);
    let finder = live.then(|| Finder::start(wanted, &sources)).transpose();
    let finder = finder.map_err(|error| Failure::internal(format_args!("cannot start a thread: {error}")))?;
    let feed = Feed::of(&sources).with(finder);
    match format {
        Some(format) => {
            for what in &left_out {
                unless_closed(writeln!(io::stderr(), "note: {}", clean(what)))?;
            }
            plain::run(feed, args.all, format, &mut io::stdout().lock()).map(|()| ExitCode::SUCCESS)
        }
        None => {
            let remark = (!left_out.is_empty()).then(|| ("NOTE", left_out.join("; ")));
            dashboard(feed, &|| remark.clone(), color, args.settings).map(Closed::exit_code)
        }
    }
}

fn open(targets: &[Target]) -> Result<Opened, Failure> {
    open_all(targets)
        .map_err(|error| if error.is_no_data() { Failure::no_data(error) } else { Failure::usage(error) })
}

/// What the dashboard is to say besides what its source tells, and under which head.
pub(crate) type Remark<'a> = &'a dyn Fn() -> Option<(&'static str, String)>;

/// Shows a source on the terminal until it is closed.
pub(crate) fn show(
    source: &Source,
    remark: Remark<'_>,
    color: Color,
    settings: Flags,
) -> Result<Closed, Failure> {
    dashboard(Feed::of(std::slice::from_ref(source)), remark, color, settings)
}

fn dashboard(feed: Feed<'_>, remark: Remark<'_>, color: Color, settings: Flags) -> Result<Closed, Failure> {
    let settings = Settings::load(settings)?;
    dashboard::run(feed, remark, color.on(&io::stdout()), &settings).map_err(terminal_failed)
}

/// The processes that run, as people know them.
fn alive() -> Result<Vec<(String, Target)>, Failure> {
    let found = discover().map_err(Failure::usage)?.into_iter();
    let alive: Vec<_> = found
        .filter_map(|found| match found.vitality {
            Vitality::Alive(summary) => {
                let name = format!("{} ({})", found.pid, process_name(&summary.header));
                Some((name, Target::Path(found.socket)))
            }
            _ => None,
        })
        .collect();
    if alive.is_empty() {
        return Err(Failure::no_data(
            "nothing to watch: no instrumented process of this user runs now; start one \
             (#[stallscope::main] in place of #[tokio::main]), name an event log, or try `stallscope demo`",
        ));
    }
    Ok(alive)
}

/// What to watch when nothing is named; or that the user did not want any of it.
fn choose(terminal: Option<Flags>, color: Color) -> Result<Result<Vec<Target>, Closed>, Failure> {
    let alive = alive()?;
    if alive.len() == 1 {
        return Ok(Ok(alive.into_iter().map(|(_, target)| target).collect()));
    }
    if let Some(settings) = terminal {
        let settings = Settings::load(settings)?;
        return pick::run(color.on(&io::stdout()), &settings).map_err(terminal_failed);
    }
    let names: Vec<_> = alive.into_iter().map(|(name, _)| name).collect();
    Err(Failure::usage(format_args!(
        "several processes run: name some of the pids {}, or all with --all",
        names.join(", ")
    )))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn terminal_failed(error: io::Error) -> Failure {
    Failure::internal(format_args!(
        "cannot use the terminal: {error}; pipe the output through cat for plain text"
    ))
}
