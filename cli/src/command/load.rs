//! `stallscope load`: open-loop load.

use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use crate::lifeline::Lifeline;
use crate::load::{LoadError, Plan, Target};
use stallscope_wire::duration;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The longest load, so that none runs on forgotten.
const LONGEST: Duration = Duration::from_secs(3600);

/// Send requests at a fixed pace, and measure from the time at which each was due.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stallscope load --rate 200 --duration 10s 99*http://127.0.0.1:8080/ http://127.0.0.1:8080/blocking/sleep")]
pub(crate) struct Args {
    /// Where to send them; `3*http://…` has three times as many as one without.
    #[arg(required = true, value_name = "URL")]
    targets: Vec<Target>,
    /// Requests a second, all URLs together.
    #[arg(long, default_value = "200", value_name = "N", value_parser = rate)]
    rate: f64,
    /// For how long.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = bounded_duration)]
    duration: Duration,
    /// Connections, and so requests on their way at one time.
    #[arg(long, default_value = "50", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// How to print what was measured.
    #[arg(long, default_value = "text", value_enum, value_name = "FORMAT")]
    format: Format,
    /// Send to other machines too, which is only for servers that are yours.
    #[arg(long)]
    allow_remote: bool,
    /// End when stdin closes, so that the load does not outlive whoever started it.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(crate) fn run(args: Args, _: Color) -> Result<ExitCode, Failure> {
    let plan = Plan {
        targets: args.targets,
        rate: args.rate,
        duration: args.duration,
        connections: args.connections.into(),
        remote: args.allow_remote,
        until: Lifeline::of_stdin(args.exit_with_stdin),
    };
    let load = plan.run().map_err(|error| match error {
        LoadError::Target(_) | LoadError::Unreachable(..) => Failure::usage(error),
        LoadError::System(_) => Failure::internal(error),
    })?;
    let printed = match args.format {
        Format::Text => load.text(),
        Format::Json => format!("{:#}\n", load.json()),
    };
    unless_closed(io::stdout().write_all(printed.as_bytes()))?;
    if let Some(warning) = load.lag_warning() {
        // Talk, not data: nothing depends on it.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    match load.first_failure() {
        Some(failure) if !load.any_answer() => {
            Err(Failure::internal(format_args!("no request was answered; the first: {failure}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=100_000.0).contains(rate));
    rate.ok_or_else(|| "give a number of requests a second from 0.001 to 100000".to_owned())
}

fn bounded_duration(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(duration) if duration.is_zero() => {
            Err("a load of no duration sends nothing: give at least 1ms".to_owned())
        }
        Ok(duration) if duration > LONGEST => Err("a load may last an hour (1h) at most".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
