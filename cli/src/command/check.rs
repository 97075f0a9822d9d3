//! `stallscope check`: the CI gate.

mod baseline;
mod child;
mod config;
mod exact;
mod excuses;
mod family;
mod folder;
mod retries;
mod sight;

use super::outputs::{self, Ci};
use crate::color::Color;
use crate::failure::{Failure, clean, say, unless_closed};
use crate::report::Material;
use baseline::Kept;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use config::Config;
use retries::Retries;
use sight::{Order, Sight};
use stallscope::analysis::{Report, Verdict};
use stallscope_wire::duration;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Heading of what the thresholds are held against.
const JUDGED: &str = "What is judged";

/// Run a command, or read what one has recorded, and fail when something blocked the event loop.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "stallscope check [OPTIONS] -- COMMAND…\n       stallscope check [OPTIONS] --log PATH…\n       stallscope check [OPTIONS] --pid PID --for DURATION",
    group = clap::ArgGroup::new("target").required(true),
    after_help = "Examples:
  stallscope check -- cargo test
  stallscope check --fail-on 'stall.max < 50ms' --fail-on 'lag.p99 < 20ms' -- ./server --self-test
  stallscope check --exact -- cargo nextest run
  stallscope check -o report.json -o report.html --log logs/

A threshold is METRIC[.STAT][{route=\"ROUTE\", crate=\"NAME\"}] OP VALUE:
  stall    polls that are too long
  poll     all polls
  lag      what new work waits, told by probes: lag.count is how many of these there were
  schedule what tasks wait from wake to poll
  handler  latency of requests, of one route or of the worst
  never-awaited, never-polled, detached-panic, lost-task, task-leak, blocking-pool, socket-leak, accept-backlog
           how often work got lost that way, and how many connections; can only be counted
  The first three leave the host's delays out; of the others they are not known. STAT is max, count, total, mean or a
  percentile such as p99, which needs 100 samples. stall can be told by route and by crate, handler by route.

In stallscope.toml:
  [check]
  extends = \"strict\"                          # or default, or one of your own; without it and fail_on: default
  fail_on = [\"lag.p99 < 20ms\"]
  [check.route.\"GET /report\"]                 # in place of the thresholds of the same metric above
  fail_on = [\"stall.max < 300ms\"]
  [check.crate.my_renderer]
  fail_on = [\"stall.max < 50ms\"]
  [check.profile.nightly]                     # --profile nightly: above [check]
  extends = \"strict\"
  [[allow]]                                   # left out of all of it, and listed in every report
  frame = \"src/report.rs:42\"                  # as the reports name it, or its beginning: a file, a function
  rule = \"blocking-poll\"                      # without it, any
  reason = \"goes with the old format\"
  until = 2026-12-31                          # without it, for ever

Exit codes:
  0 pass · 99 a threshold was breached · 98 no data, or incomplete data · 97 only the host's own delays breached ·
  2 usage or input error · 1 internal error · the command's own code if it failed (128 + signal if one ended it)"
)]
pub(crate) struct Args {
    #[command(flatten)]
    config: config::Flags,
    #[command(flatten)]
    excuses: excuses::Flags,
    #[command(flatten)]
    outputs: outputs::Flags,
    #[command(flatten)]
    ci: Ci,
    /// End the command after this time: with SIGTERM, after which it is judged by what it recorded, as if it had ended by
    /// itself, and 5s later with SIGKILL, which fails it.
    #[arg(long, value_name = "DURATION", value_parser = some_time, help_heading = "Running",
        conflicts_with_all = ["log", "pid"])]
    timeout: Option<Duration>,
    /// Event logs, or folders of them.
    #[arg(long, value_name = "PATH", num_args = 1.., group = "target", help_heading = JUDGED)]
    log: Vec<PathBuf>,
    /// A running process.
    #[arg(long, value_name = "PID", group = "target", requires = "for", help_heading = JUDGED)]
    pid: Option<u32>,
    /// How long to look at it; only what happens within this time is judged.
    #[arg(long, value_name = "DURATION", value_parser = some_time, requires = "pid", conflicts_with_all = ["log", "command"], help_heading = JUDGED)]
    r#for: Option<Duration>,
    /// Build with tokio's task hooks (--cfg tokio_unstable), which see and time every poll. For commands of cargo; your own flags
    /// stay, and what is built so has a folder of its own, target/stallscope.
    #[arg(long, help_heading = "Running", conflicts_with_all = ["log", "pid"])]
    exact: bool,
    #[command(flatten)]
    retries: Retries,
    /// The command to run. It and what it starts write their logs into a temporary folder; where STALLSCOPE_LOG is set they
    /// are copied there, those of retries beside the first.
    #[arg(last = true, value_name = "COMMAND", group = "target", help_heading = JUDGED)]
    command: Vec<OsString>,
}

/// Says of a word that has no place among the arguments how a command is written, where the usage has one.
pub(crate) fn hinted(mut error: clap::Error) -> clap::Error {
    let stray = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if !word.starts_with('-') => word.clone(),
        _ => return error,
    };
    let of_command = |usage: &ContextValue| usage.to_string().contains("-- COMMAND");
    if error.kind() == ErrorKind::UnknownArgument && error.get(ContextKind::Usage).is_some_and(of_command) {
        let hint = format!("if {stray} is the command to run, put -- before it").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    }
    error
}

/// Nothing is seen in no time.
fn some_time(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if time.is_zero() => {
            Err("nothing is seen in no time: write it like 500ms, 30s or 5m".to_owned())
        }
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn run(args: Args, color: Color) -> Result<ExitCode, Failure> {
    let config = Config::load(&args.config)?;
    if args.config.print_config {
        return unless_closed(write!(io::stdout(), "{config}")).map(|()| ExitCode::SUCCESS);
    }
    let mut terms = config.terms();
    terms.deny_stale = args.excuses.deny_stale;
    let baseline = args.excuses.baseline.open()?;
    let outputs = args.outputs.read()?.and_text();
    let own_stdout = outputs.own_stdout();
    let sinks = outputs.open()?;
    let mut order = None;
    let mut sight = match (args.pid, args.r#for) {
        (Some(pid), Some(time)) => Sight::of_process(pid, time)?,
        _ if args.command.is_empty() => Sight::of_logs(&args.log, terms.allow_incomplete)?,
        _ => {
            let order = order.insert(Order::of(&args.command, args.exact, args.timeout, own_stdout)?);
            Sight::of_command(order, &terms, false)?
        }
    };

    let histories: Vec<_> = sight.runs.iter().map(|run| &run.history).collect();
    let of_first_run = histories.len();
    if let Some(baseline) = &baseline {
        baseline.join(&mut terms, &histories);
    }
    let mut judgement = sight.judge(&terms);
    if baseline.as_ref().is_some_and(Kept::is_new)
        && !baseline::is_whole(&judgement, sight.failure, &histories)
    {
        // It is not going to be written, so nothing is known before.
        terms.baseline = None;
        judgement = sight.judge(&terms);
    }
    if let Some(order) = &order {
        args.retries.run(order, &terms, &mut sight, &mut judgement);
    }
    judgement.notes.extend(config.note());
    let histories: Vec<_> = sight.runs.iter().map(|run| &run.history).collect();
    if histories.len() > of_first_run {
        if let Some(baseline) = baseline.as_ref().filter(|_| terms.baseline.is_some()) {
            baseline.join(&mut terms, &histories);
        }
        judgement.excuse(&terms, &histories);
    }
    let want = judgement.want().map(str::to_owned);
    let is_whole = baseline::is_whole(&judgement, sight.failure, &histories);
    let updated = baseline.map_or(Ok(None), |baseline| baseline.update(&terms, &histories, is_whole));
    let updated = updated.map(|note| judgement.notes.extend(note));
    let report = Report::new(sight.command, judgement, &histories);
    let material = Material { report: &report, runs: &sight.runs };
    let written = sinks.write(material, color);
    args.ci.tell(material);
    let mut code = sight.failure.unwrap_or_else(|| report.verdict.exit_code());
    for failure in [updated, written].into_iter().filter_map(Result::err) {
        failure.report();
        // A file that is missing is no reason to hide what was found.
        code = code.max(1);
    }
    if let Some(reason) = in_short(&report, want.as_deref(), sight.failure) {
        say(format_args!("stallscope: {} (exit code {code})", clean(reason)));
    }
    Ok(ExitCode::from(code))
}

/// Why the exit code is not 0. What was wanting is told where that is the verdict.
fn in_short(report: &Report, want: Option<&str>, failure: Option<u8>) -> Option<String> {
    let failed = report.thresholds.iter().filter(|outcome| outcome.ok == Some(false));
    let reason = match report.verdict {
        Verdict::Pass => return failure.map(|_| "the command failed; every threshold holds".to_owned()),
        Verdict::Breach => {
            let broken: Vec<_> =
                failed.map(|outcome| format!("{} ({})", outcome.expr, outcome.measured)).collect();
            format!("breach: {}", broken.join(", "))
        }
        Verdict::Inconclusive => "inconclusive: only the host's own delays breached".to_owned(),
        // The report has said the rest: why, and what to do.
        _ => format!(
            "incomplete: {}",
            want.and_then(|want| want.split("; ").next()).unwrap_or("too little was seen")
        ),
    };
    Some(if failure.is_some() { format!("the command failed; {reason}") } else { reason })
}
