//! `stallscope load`: open-loop load.

use crate::color::Color;
use crate::failure::{Failure, unless_closed};
use crate::lifeline::Lifeline;
use crate::load::{Content, LoadError, Message, Plan, Progress, Target};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use stallscope_wire::duration;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The longest load, so that none runs on forgotten.
const LONGEST: Duration = Duration::from_secs(3600);

/// Send requests at a fixed pace, and measure from the time at which each was due.
///
/// WebSockets (ws://) and event streams (sse+http://) are opened at the start, as many to each URL as there are connections,
/// and held. Messages are sent over WebSockets at their share of the rate; one is answered when it first comes back, over
/// whichever socket of this load, so a chat that tells everybody but the sender is measured too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stallscope load --rate 200 --duration 10s '99*http://127.0.0.1:8080/' http://127.0.0.1:8080/blocking/sleep
  stallscope load 'POST http://127.0.0.1:8080/image' --body @photo.png --header 'Content-Type: image/png'
  stallscope load --rate 20 --connections 100 ws://127.0.0.1:8080/ws sse+http://127.0.0.1:8080/events")]
pub(crate) struct Args {
    /// Where to send them: `http://…`, `POST http://…`, `ws://…` or `sse+http://…`; `3*http://…` gets three times as many as
    /// one without, and `0*ws://…` is only held open.
    #[arg(required = true, value_name = "URL")]
    targets: Vec<Target>,
    /// Requests and messages a second, all URLs together.
    #[arg(long, default_value = "200", value_name = "N", value_parser = rate)]
    rate: f64,
    /// For how long; what has not been answered by then is waited for, up to 15s more.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = bounded_duration)]
    duration: Duration,
    /// Connections, and so requests on their way at one time; and sockets to each ws or sse+http URL.
    #[arg(long, default_value = "50", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20_000))]
    connections: u16,
    /// Sent with each request and handshake; may be given again.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent with POST, PUT and PATCH; `@FILE` sends what is in the file.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT|@FILE", value_parser = body)]
    body: Bytes,
    /// Sent over WebSockets; {id} becomes a number by which its answer is known. As it is: {"text":"stallscope load {id}"}.
    #[arg(
        long,
        default_value = r#"{"text":"stallscope load {id}"}"#,
        hide_default_value = true,
        value_name = "TEXT"
    )]
    message: Message,
    /// Leave each WebSocket and event stream after this time, without a word as a client does that is gone, and open another.
    #[arg(long, value_name = "TIME", value_parser = bounded_duration)]
    lifetime: Option<Duration>,
    /// How to print what was measured.
    #[arg(long, default_value = "text", value_enum, value_name = "FORMAT")]
    format: Format,
    /// Do not tell on stderr how it goes.
    #[arg(long, short)]
    quiet: bool,
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
    if args.lifetime.is_some() && !args.targets.iter().any(Target::is_held) {
        return Err(Failure::usage(
            "--lifetime is for WebSockets and event streams, and there is none: give a ws:// or sse+http:// URL",
        ));
    }
    let progress = match (args.quiet, io::stderr().is_terminal()) {
        (true, _) => Progress::Silent,
        (false, true) => Progress::Line,
        (false, false) => Progress::Lines,
    };
    let plan = Plan {
        targets: args.targets,
        content: Content {
            headers: args.headers.into_iter().collect(),
            body: args.body,
            message: args.message,
        },
        rate: args.rate,
        duration: args.duration,
        connections: args.connections.into(),
        lifetime: args.lifetime,
        remote: args.allow_remote,
        progress,
        until: Lifeline::of_stdin(args.exit_with_stdin),
    };
    let load = plan.run().map_err(|error| match error {
        LoadError::Target(_) | LoadError::Unreachable(..) | LoadError::TooManySockets { .. } => {
            Failure::usage(error)
        }
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
    match load.main_failure() {
        Some(failure) if !load.any_answer() => {
            Err(Failure::internal(format_args!("nothing was answered; mostly: {failure}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = text.split_once(':').and_then(|(name, value)| {
        Some((name.trim().parse().ok()?, HeaderValue::from_str(value.trim()).ok()?))
    });
    parsed.ok_or_else(|| "write it like 'Authorization: Bearer abc'".to_owned())
}

fn body(text: &str) -> Result<Bytes, String> {
    match text.strip_prefix('@') {
        Some(path) => fs::read(path).map(Bytes::from).map_err(|error| format!("cannot read {path}: {error}")),
        None => Ok(Bytes::copy_from_slice(text.as_bytes())),
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
