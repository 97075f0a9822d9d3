//! `stallscope serve`: the reference server.

use crate::color::Color;
use crate::failure::Failure;
use crate::lifeline::Lifeline;
use crate::reference::{self, Options, ServeError};
use stallscope_wire::duration;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// Run the reference server, whose routes under /blocking block the event loop on purpose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stallscope serve --addr 127.0.0.1:8080
  curl 'http://127.0.0.1:8080/blocking/sleep?ms=500'")]
pub(crate) struct Args {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "IP:PORT")]
    addr: SocketAddr,
    /// How long requests may take to end once the server is told to (SIGTERM, Ctrl-C); the second signal does not wait.
    #[arg(long, default_value = "3s", value_name = "TIME", value_parser = bounded)]
    drain: Duration,
    /// How long the head of a request may take to come.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = bounded)]
    patience: Duration,
    /// How often WebSockets are pinged; one that does not answer before the next ping is closed.
    #[arg(long, default_value = "15s", value_name = "TIME", value_parser = bounded)]
    heartbeat: Duration,
    /// End when stdin closes, so that the server does not outlive whoever started it.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(color.on(&io::stderr())).init();
    let options = Options {
        addr: args.addr,
        shared: false,
        patience: args.patience,
        heartbeat: args.heartbeat,
        drain: args.drain,
        until: Lifeline::of_stdin(args.exit_with_stdin),
    };
    match reference::serve(options) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ ServeError::Bind(..)) => Err(Failure::usage(error)),
        Err(error @ (ServeError::Processes(_) | ServeError::Other(_))) => Err(Failure::internal(error)),
    }
}

/// Time enough for anything, and never none.
fn bounded(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if time < Duration::from_millis(100) => Err("give at least 100ms".to_owned()),
        Ok(time) if time > Duration::from_secs(600) => Err("ten minutes (10m) is the most".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}
