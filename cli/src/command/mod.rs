//! One file a subcommand, one variant and one line of dispatch each.

mod cargo;
mod check;
mod checklist;
mod demo;
mod diff;
mod doctor;
mod form;
mod list;
mod load;
mod outputs;
mod read;
mod record;
mod report;
mod selftest;
mod serve;
mod watch;

pub(crate) use check::hinted;

use crate::{color::Color, failure::Failure};
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Check(check::Args),
    Demo(demo::Args),
    Diff(diff::Args),
    Doctor(doctor::Args),
    List(list::Args),
    Load(load::Args),
    Report(report::Args),
    Record(record::Args),
    Selftest(selftest::Args),
    Serve(serve::Args),
    Watch(watch::Args),
}

impl Command {
    pub(crate) fn run(self, color: Color) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(args) => check::run(args, color),
            Self::Demo(args) => demo::run(&args, color),
            Self::Diff(args) => diff::run(&args, color),
            Self::Doctor(args) => doctor::run(&args, color),
            Self::List(args) => list::run(&args),
            Self::Load(args) => load::run(args, color),
            Self::Report(args) => report::run(args, color),
            Self::Record(args) => record::run(&args),
            Self::Selftest(args) => selftest::run(&args, color),
            Self::Serve(args) => serve::run(&args, color),
            Self::Watch(args) => watch::run(&args, color),
        }
    }
}
