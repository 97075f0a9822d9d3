//! One file a subcommand, one variant and one line of dispatch each.

mod check;
mod load;
mod serve;

use crate::{color::Color, failure::Failure};
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Check(check::Args),
    Load(load::Args),
    Serve(serve::Args),
}

impl Command {
    pub(crate) fn run(self, color: Color) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(args) => check::run(args, color),
            Self::Load(args) => load::run(args, color),
            Self::Serve(args) => serve::run(&args, color),
        }
    }
}
