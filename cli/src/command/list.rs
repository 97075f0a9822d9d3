//! `stallscope list`: instrumented processes of this user.

use super::form::Form;
use crate::failure::{Failure, clean, unless_closed};
use crate::model::{Process, ProcessFigures, accusation, level_name};
use crate::source::{Found, Origin, Vitality, discover, process_name};
use serde_json::{Value, json};
use stallscope::analysis::Finding;
use stallscope_wire::duration::show;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// List the instrumented processes of this user, and how each is.
///
/// HEALTH and WORST are of what each process tells at once: what blocks now, and the stalls and losses that it remembers. Of
/// a stall the time is told for which the code answers, without what the machine took. Sockets that killed processes have
/// left are removed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stallscope list\n  stallscope list --format json | jq '.[] | {pid, health: .health.word}'"
)]
pub(crate) struct Args {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Form,
}

/// What is listed.
enum Listed {
    Alive(Box<Process>, ProcessFigures),
    Unwell(String),
    /// A killed process left its socket, which may be removed by now.
    Dead {
        removed: bool,
    },
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let found = discover().map_err(Failure::usage)?;
    let listed: Vec<_> = found.into_iter().map(listed).collect();
    let text = match args.format {
        Form::Json => format!("{:#}\n", Value::from_iter(listed.iter().map(object))),
        Form::Text => table(&listed),
    };
    if args.format == Form::Text {
        // The list is data and goes to stdout; that there is nothing in it, or what was cleared away, is talk.
        unless_closed(io::stderr().write_all(clean_lines(&talk(&listed)).as_bytes()))?;
    }
    unless_closed(io::stdout().write_all(text.as_bytes())).map(|()| ExitCode::SUCCESS)
}

fn listed(found: Found) -> (u32, String, Listed) {
    let socket = found.socket.display().to_string();
    let listed = match found.vitality {
        Vitality::Dead => Listed::Dead { removed: found.remove_if_deserted() },
        Vitality::Unwell(why) => Listed::Unwell(why),
        Vitality::Alive(summary) => {
            let process = Process::told(summary.header, Origin::Live(found.socket), summary.lines);
            let figures = ProcessFigures::of(&process, Duration::ZERO);
            Listed::Alive(Box::new(process), figures)
        }
    };
    (found.pid, socket, listed)
}

/// How one is that does not answer.
const NO_ANSWER: &str = "NO ANSWER";

const HEADS: [&str; 7] = ["PID", "UP", "HEALTH", "LAG P99", "WORST", "SEEN", "PROCESS"];

/// Those that answer, or should, a row each.
fn table(listed: &[(u32, String, Listed)]) -> String {
    let rows: Vec<_> = listed.iter().filter_map(columns).collect();
    if rows.is_empty() {
        return String::new();
    }
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEADS.len()] = std::array::from_fn(|column| widest(column).max(HEADS[column].len()));
    let mut text = String::new();
    for cells in std::iter::once(&HEADS.map(str::to_owned)).chain(&rows) {
        let line = cells.iter().zip(widths).fold(String::new(), |mut line, (cell, width)| {
            let _ = write!(line, "{cell:<width$}  ");
            line
        });
        text += &clean(line.trim_end());
        text.push('\n');
    }
    text
}

fn columns((pid, _, listed): &(u32, String, Listed)) -> Option<[String; HEADS.len()]> {
    let none = || "–".to_owned();
    Some(match listed {
        Listed::Dead { .. } => return None,
        Listed::Unwell(why) => {
            [pid.to_string(), none(), NO_ANSWER.to_owned(), none(), none(), none(), why.clone()]
        }
        Listed::Alive(process, figures) => {
            let header = process.header();
            let workers = figures.workers.map_or_else(|| "?".to_owned(), |workers| workers.to_string());
            [
                pid.to_string(),
                show(figures.up_ns / 1_000_000_000 * 1_000_000_000).to_string(),
                figures.health.word.to_owned(),
                figures.lag_p99_ns.map_or_else(none, |lag| show(lag).to_string()),
                process.worst().map_or_else(none, accusation),
                format!("{}/{}, {workers} workers", header.tier, process.history.mode()),
                if header.exe.is_empty() { process_name(header) } else { header.exe.clone() },
            ]
        }
    })
}

/// What there is to say besides, a line each.
fn talk(listed: &[(u32, String, Listed)]) -> String {
    let mut talk = String::new();
    if listed.iter().all(|(.., listed)| matches!(listed, Listed::Dead { .. })) {
        talk += "no instrumented process of this user runs now\n";
    }
    let dead = |now: bool| {
        let dead =
            listed.iter().filter(move |(.., l)| matches!(l, Listed::Dead { removed } if *removed == now));
        dead.map(|(pid, ..)| pid.to_string()).collect::<Vec<_>>()
    };
    for (removed, told) in [
        (true, "removed what killed processes had left: the sockets of"),
        (
            false,
            "killed processes left sockets that could not be removed, or whose number is another process's now:",
        ),
    ] {
        let pids = dead(removed);
        if !pids.is_empty() {
            let _ = writeln!(talk, "{told} pid {}", pids.join(", "));
        }
    }
    talk
}

fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line) + "\n").collect()
}

fn object((pid, socket, listed): &(u32, String, Listed)) -> Value {
    match listed {
        Listed::Dead { removed } => json!({
            "pid": pid, "socket": socket, "alive": false, "problem": "its process was killed", "removed": removed,
        }),
        Listed::Unwell(why) => json!({
            "pid": pid, "socket": socket, "alive": false, "problem": why,
            "health": { "level": "bad", "word": NO_ANSWER, "sentence": why },
        }),
        Listed::Alive(process, figures) => {
            let header = process.header();
            json!({
                "pid": pid, "socket": socket, "alive": true,
                "name": process_name(header), "exe": header.exe, "command": header.command,
                "started_unix_ns": header.started_unix_ns, "up_ns": figures.up_ns,
                "tier": header.tier, "mode": process.history.mode(), "workers": figures.workers,
                "health": {
                    "level": level_name(figures.health.level),
                    "word": figures.health.word,
                    "sentence": figures.health.to_string(),
                },
                "lag_p99_ns": figures.lag_p99_ns,
                "stalls_now": figures.stalls_now,
                "worst": process.worst().map(accused),
            })
        }
    }
}

fn accused(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.to_string(), "culprit": finding.culprit.to_string(), "cause": finding.cause_in_words(),
        "count": finding.count, "max_ns": finding.max_ns, "attributable_max_ns": finding.attributable_max_ns,
        "ongoing": finding.ongoing,
    })
}
