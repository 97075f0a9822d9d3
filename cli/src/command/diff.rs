//! `stallscope diff`: is NEW worse than BASE?

mod input;
mod table;

use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use stallscope::analysis::compare::{Limits, compare};
use stallscope_wire::duration;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Compare two runs, or several of each side, and fail when NEW is worse.
///
/// A change is a regression when it is large enough to matter (--min-change, --min-time) and chance does not explain it: within the
/// runs by the number of durations and stalls that were seen, between them by how much the runs of one side differ. One run of each
/// side tells large changes alone; from four runs a side on, small ones too. Culprits are the same in both sides where file and
/// function are, though the lines move.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "stallscope diff [OPTIONS] BASE NEW\n       stallscope diff [OPTIONS] --base PATH… --new PATH…",
    after_help = "Examples:
  stallscope diff main.json pr.json
  stallscope diff --base runs/main/ --new runs/pr/              a folder is as many runs as it has files
  stallscope diff main.json pr.json --min-change 25% --format markdown >> \"$GITHUB_STEP_SUMMARY\"

  A run is a report (check --format json, report --format json) or an event log. Of a run with several processes make one report:
  stallscope report logs/ -o run.json. Spawn locations are compared by their distributions in logs, and in reports by mean and
  p99 between several runs.

Exit codes:
  0 no regression · 99 a regression · 98 too little was seen to compare anything · 2 usage or input error · 1 internal error"
)]
pub(crate) struct Args {
    /// The run before.
    #[arg(value_name = "BASE", required_unless_present = "base", requires = "new_run")]
    base_run: Option<PathBuf>,
    /// The run after.
    #[arg(value_name = "NEW", conflicts_with_all = ["base", "new"])]
    new_run: Option<PathBuf>,
    /// Several runs before: reports, event logs, or folders of them.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "new", conflicts_with = "base_run")]
    base: Vec<PathBuf>,
    /// Several runs after.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "base")]
    new: Vec<PathBuf>,
    /// The least change that counts, in percent of BASE.
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "10%")]
    min_change: f64,
    /// The least change of a duration that counts; of blocked time, within a minute.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1ms")]
    min_time: Duration,
    /// How likely it is to be that nothing is called a regression when nothing changed, over all that is compared.
    #[arg(long, value_name = "PERCENT", value_parser = confidence, default_value = "95%")]
    confidence: f64,
    /// How to print the comparison.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// List what did not change too.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table.
    #[default]
    Text,
    /// One document, durations in nanoseconds.
    Json,
    /// For a pull request.
    Markdown,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    let of_one = |one: &Option<PathBuf>| one.iter().cloned().collect::<Vec<_>>();
    let (base, new) = if args.base.is_empty() {
        (of_one(&args.base_run), of_one(&args.new_run))
    } else {
        (args.base.clone(), args.new.clone())
    };
    let (base, new) = (input::samples(&base)?, input::samples(&new)?);
    let limits = Limits {
        min_change: args.min_change,
        min_time_ns: u64::try_from(args.min_time.as_nanos()).unwrap_or(u64::MAX),
        confidence: args.confidence,
    };
    let comparison = compare(&base, &new, &limits);
    let text = match args.format {
        Format::Json => table::json(&comparison).map_err(Failure::internal)?,
        Format::Markdown => table::markdown(&comparison, args.all),
        Format::Text => table::text(&comparison, args.all, color.on(&io::stdout())),
    };
    unless_closed(io::stdout().write_all(text.as_bytes()))?;
    Ok(ExitCode::from(comparison.exit_code()))
}

/// A share, written in percent.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or(text).trim();
    let share: Option<f64> = number.parse().ok().filter(|share: &f64| (0.0..=10_000.0).contains(share));
    share.map(|share| share / 100.0).ok_or_else(|| "write it like 10%".to_owned())
}

fn confidence(text: &str) -> Result<f64, String> {
    match percent(text) {
        Ok(share) if (0.5..1.0).contains(&share) => Ok(share),
        _ => Err("write it like 95%; at least 50%, and less than 100%".to_owned()),
    }
}
