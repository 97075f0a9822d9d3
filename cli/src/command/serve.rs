//! `stallscope serve`: the reference server.

use crate::color::Color;
use crate::failure::Failure;
use crate::lifeline::Lifeline;
use crate::log::{self, Format};
use crate::reference::{self, Options, Processes, ServeError};
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
    /// The form of the log on stderr.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: Format,
    /// How many processes share the port; one that dies is replaced.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
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
    /// Be one of the processes that share a port.
    #[arg(long, hide = true)]
    share_port: bool,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    log::start(args.log_format, color);
    let until = Lifeline::of_stdin(args.exit_with_stdin);
    let served = if args.processes > 1 {
        let arguments = args.for_each(color);
        reference::supervise(Processes { count: args.processes, addr: args.addr, arguments, until })
    } else {
        let Args { addr, share_port: shared, patience, heartbeat, drain, .. } = *args;
        reference::serve(Options { addr, shared, patience, heartbeat, drain, until }).map(|()| 0)
    };
    log::finish();
    match served {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error @ ServeError::Bind(..)) => Err(Failure::usage(error)),
        Err(error @ (ServeError::Processes(_) | ServeError::Other(_))) => Err(Failure::internal(error)),
    }
}

impl Args {
    /// What each of several processes is told.
    fn for_each(&self, color: Color) -> Vec<String> {
        let color = if color.on(&io::stderr()) { "always" } else { "never" };
        let time = |name: &str, time: Duration| format!("--{name}={}us", time.as_micros());
        vec![
            format!("--color={color}"),
            format!("--log-format={}", self.log_format),
            time("drain", self.drain),
            time("patience", self.patience),
            time("heartbeat", self.heartbeat),
        ]
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
