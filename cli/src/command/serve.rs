//! `stallscope serve`: the reference server.

mod log;

use crate::color::Color;
use crate::failure::Failure;
use crate::lifeline::Lifeline;
use crate::reference::{self, Options, ServeError};
use log::{Format, Log};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Run the reference server, whose routes under /blocking block the event loop on purpose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stallscope serve --addr 127.0.0.1:8080
  curl 'http://127.0.0.1:8080/blocking/sleep?ms=500'")]
pub(crate) struct Args {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "IP:PORT")]
    addr: SocketAddr,
    /// The form of the log on stderr.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: Format,
    /// End when stdin closes, so that the server does not outlive whoever started it.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    let _log = Log::start(args.log_format, color);
    let options = Options { addr: args.addr, until: Lifeline::of_stdin(args.exit_with_stdin) };
    match reference::serve(options) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ ServeError::Bind(..)) => Err(Failure::usage(error)),
        Err(error @ ServeError::Other(_)) => Err(Failure::internal(error)),
    }
}
