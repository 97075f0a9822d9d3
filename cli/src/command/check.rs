//! `stallscope check`: the CI gate.

use crate::{color::Color, failure::Failure};
use std::process::ExitCode;

/// Run a command, or read event logs, and fail when something blocked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail when this does not hold, such as "stall.max < 100ms"; may be given more than once.
    #[arg(long, value_name = "EXPR")]
    fail_on: Vec<String>,
    /// The command to run.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<std::ffi::OsString>,
}

pub(crate) fn run(args: Args, _color: Color) -> Result<ExitCode, Failure> {
    let _ = args;
    Err(Failure::internal("check is not wired up yet"))
}
