//! `stallscope report`: what was found and measured, in the form that is wanted.

use super::outputs;
use super::read;
use crate::color::Color;
use crate::failure::Failure;
use crate::report::{Material, distributions};
use stallscope::analysis::{Report, Terms, judge};
use stallscope_wire::duration;
use std::process::ExitCode;
use std::time::Duration;

/// Findings and measurements of a running process, or of what one has recorded.
///
/// It is judged by the thresholds that `check` assumes, with the same words; here nothing fails by that.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stallscope report 4242                               what happens in process 4242 within 10s
  stallscope report run.jsonl --format markdown        for a pull request
  stallscope report logs/ -o report.html               one file for a browser, with flame graph and timeline
  stallscope report run.jsonl -o blocked.svg -o run.trace.json
  ssh host cat run.jsonl | stallscope report -

  folded and svg are weighted with the time that threads of the event loop were blocked and the code answers for, in
  nanoseconds (svg shows milliseconds). chrome-trace opens in https://ui.perfetto.dev and chrome://tracing.

Exit codes:
  0 the report is written · 98 there was nothing in the logs · 2 usage or input error · 1 internal error")]
pub(crate) struct Args {
    /// Pids, live sockets, event logs, folders of logs, or - for a log on stdin; several make one report.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// How long to look at running processes; only what happens within this time is told.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    r#for: Duration,
    #[command(flatten)]
    outputs: outputs::Flags,
    /// In the format histogram, only this distribution, as tools that plot a file expect: poll, lag, schedule, or a route such as "GET /".
    #[arg(long, value_name = "NAME")]
    histogram: Option<String>,
}

pub(crate) fn run(args: Args, color: Color) -> Result<ExitCode, Failure> {
    let mut sinks = args.outputs.read()?.or_text().open()?;
    let (runs, notes) = read::targets(&args.targets, args.r#for)?;
    let histories: Vec<_> = runs.iter().map(|run| &run.history).collect();
    // A process that still runs is no fault of a report, as it may be one of a test.
    let mut judgement = judge(&Terms::default().allow_incomplete(true), &histories);
    judgement.notes.extend(notes);
    let command = match &histories[..] {
        [history] => history.header().command.clone(),
        _ => Vec::new(),
    };
    let report = Report::new(command, judgement, &histories);
    if let Some(name) = &args.histogram {
        known(name, &distributions(&report))?;
    }
    sinks.only(args.histogram);
    sinks.write(Material { report: &report, runs: &runs }, color)?;
    Ok(ExitCode::SUCCESS)
}

fn known(name: &str, distributions: &[&str]) -> Result<(), Failure> {
    if distributions.contains(&name) {
        return Ok(());
    }
    let there: Vec<_> = distributions.iter().map(|known| format!("{known:?}")).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    Err(Failure::usage(format_args!(
        "--histogram {name:?}: nothing of that name was measured; there is {there}"
    )))
}
