//! `stallscope serve`: the reference server.

use crate::color::Color;
use crate::failure::Failure;
use crate::lifeline::Lifeline;
use crate::reference::{self, Options, ServeError};
use std::io;
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
    /// End when stdin closes, so that the server does not outlive whoever started it.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(color.on(&io::stderr())).init();
    let options = Options { addr: args.addr, until: Lifeline::of_stdin(args.exit_with_stdin) };
    match reference::serve(options) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ ServeError::Bind(..)) => Err(Failure::usage(error)),
        Err(error @ ServeError::Other(_)) => Err(Failure::internal(error)),
    }
}
