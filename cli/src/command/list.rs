//! `stallscope list`: instrumented processes of this user.

use crate::failure::{Failure, clean, unless_closed};
use crate::source::{Found, Summary, Vitality, discover, process_name};
use serde_json::{Value, json};
use stallscope_wire::{Snapshot, WorkerState, duration::show};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// List the instrumented processes of this user.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stallscope list\n  stallscope list --format json | jq '.[].pid'")]
pub(crate) struct Args {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table.
    #[default]
    Text,
    /// One array, durations in nanoseconds.
    Json,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let found = discover().map_err(Failure::usage)?;
    let text = match args.format {
        Format::Json => format!("{:#}\n", Value::from_iter(found.iter().map(object))),
        Format::Text if found.is_empty() => {
            // The list is data and goes to stdout; that it is empty is talk.
            unless_closed(writeln!(io::stderr(), "no instrumented process of this user runs now"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Format::Text => table(&found),
    };
    unless_closed(io::stdout().write_all(text.as_bytes())).map(|()| ExitCode::SUCCESS)
}

/// Heads of the columns that [`columns`] fills.
pub(crate) const HEADS: [&str; 6] = ["PID", "UP", "SEEN", "LAG P99", "STALLS NOW", "PROCESS"];

/// A process as a row of a table.
pub(crate) fn columns(found: &Found) -> [String; 6] {
    let row = |seen: &str, what: &str| {
        let none = || "–".to_owned();
        [found.pid.to_string(), none(), seen.to_owned(), none(), none(), what.to_owned()]
    };
    let summary = match &found.vitality {
        Vitality::Alive(summary) => summary,
        Vitality::Dead => return row("dead", &found.socket.display().to_string()),
        Vitality::Unwell(why) => return row("?", why),
    };
    let header = &summary.header;
    let known =
        |tell: &dyn Fn(&Snapshot) -> String| summary.snapshot.as_ref().map_or_else(|| "?".to_owned(), tell);
    let workers = known(&|snapshot| snapshot.worker_count().to_string());
    [
        found.pid.to_string(),
        show(up(summary).as_secs() * 1_000_000_000).to_string(),
        format!("{}/{}, {workers} workers", header.tier, header.mode),
        known(&|snapshot| lag_p99(snapshot).map_or_else(|| "–".to_owned(), |lag| show(lag).to_string())),
        known(&|snapshot| stalls(snapshot).to_string()),
        if header.exe.is_empty() { process_name(header) } else { header.exe.clone() },
    ]
}

/// Those that answer, a row each; what killed processes left behind, in one line.
fn table(found: &[Found]) -> String {
    let (dead, found): (Vec<_>, Vec<_>) =
        found.iter().partition(|found| matches!(found.vitality, Vitality::Dead));
    let rows: Vec<_> = found.into_iter().map(columns).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(|column| widest(column).max(HEADS[column].len()));
    let mut text = String::new();
    let heads = (!rows.is_empty()).then(|| HEADS.map(str::to_owned));
    for cells in heads.iter().chain(&rows) {
        let line = cells.iter().zip(widths).fold(String::new(), |mut line, (cell, width)| {
            let _ = write!(line, "{cell:<width$}  ");
            line
        });
        text += &clean(line.trim_end());
        text.push('\n');
    }
    if let Some(folder) = dead.first().and_then(|dead| dead.socket.parent()) {
        let pids: Vec<_> = dead.iter().map(|dead| dead.pid.to_string()).collect();
        let (them, folder) = (
            if dead.len() == 1 {
                "a killed process left its socket"
            } else {
                "killed processes left their sockets"
            },
            folder.display(),
        );
        let _ = writeln!(text, "{them} in {folder} (pid {})", pids.join(", "));
    }
    text
}

fn object(found: &Found) -> Value {
    let socket = found.socket.display().to_string();
    match &found.vitality {
        Vitality::Dead => {
            json!({ "pid": found.pid, "socket": socket, "alive": false, "problem": "its process was killed" })
        }
        Vitality::Unwell(why) => {
            json!({ "pid": found.pid, "socket": socket, "alive": false, "problem": why })
        }
        Vitality::Alive(summary) => {
            let (header, snapshot) = (&summary.header, summary.snapshot.as_ref());
            json!({
                "pid": found.pid, "socket": socket, "alive": true,
                "name": process_name(header), "exe": header.exe, "command": header.command,
                "started_unix_ns": header.started_unix_ns, "tier": header.tier, "mode": header.mode,
                "workers": snapshot.map(Snapshot::worker_count),
                "lag_p99_ns": snapshot.and_then(lag_p99),
                "stalls_now": snapshot.map(stalls),
            })
        }
    }
}

fn up(summary: &Summary) -> Duration {
    let started = UNIX_EPOCH + Duration::from_nanos(summary.header.started_unix_ns);
    SystemTime::now().duration_since(started).unwrap_or_default()
}

fn lag_p99(snapshot: &Snapshot) -> Option<u64> {
    let lag = &snapshot.lag.histogram;
    (lag.count() > 0).then(|| lag.quantile(0.99))
}

fn stalls(snapshot: &Snapshot) -> usize {
    snapshot.workers.iter().filter(|worker| worker.state == WorkerState::Blocked).count()
}
