//! The command `stallscope`: see which line blocks a tokio event loop, live, and fail CI on it.
#![forbid(unsafe_code)]

mod color;
mod command;
mod failure;
mod lifeline;
mod load;
mod log;
mod markdown;
mod model;
mod reference;
mod report;
#[cfg(test)]
mod scenario;
mod settings;
mod source;
mod view;

use clap::Parser;
use std::process::ExitCode;

/// See which line blocks a tokio event loop, live, and fail CI on it.
#[derive(Debug, Parser)]
#[command(name = "stallscope", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// When to colour what is printed; NO_COLOR is respected.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: color::Color,
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    let Cli { color, command } = Cli::try_parse().unwrap_or_else(|error| command::hinted(error).exit());
    command.run(color).unwrap_or_else(|failure| failure.report())
}
