//! `stallscope demo`: the whole product on one's own machine.

mod headless;
mod pictures;
mod play;
pub(super) mod process;
mod scenario;
mod scene;

use super::watch;
use crate::settings::Flags;
use crate::{color::Color, failure::Failure};
use scenario::Scenario;
use scene::Scene;
use stallscope_wire::duration;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long the load lasts in front of a dashboard: nobody leaves one on for ever by mistake.
const LOAD_ON_SCREEN: Duration = Duration::from_secs(600);
/// How long findings are collected for without one.
const LOAD_HEADLESS: Duration = Duration::from_secs(15);

/// Block an event loop on purpose, and watch which line does it.
///
/// Starts the reference server and a load in processes of their own, and opens the dashboard on the server. Both end with it.
/// What happens is a story of a minute, told over and over; a shorter demo tells it once, and faster.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stallscope demo                            the dashboard; q quits\n  \
    stallscope demo --scenario leaks           WebSockets that are never let go of\n  \
    stallscope demo --headless --duration 15s  the findings of 15 seconds, as text")]
pub(crate) struct Args {
    /// What happens.
    #[arg(long, value_enum, default_value = "mixed", value_name = "NAME")]
    scenario: Scenario,
    /// No dashboard: print what was found, and end. So it is too without a terminal on stdout.
    #[arg(long)]
    headless: bool,
    /// Draw the dashboard's screens into SVG files of this folder, as they are when things are worst.
    #[arg(long, value_name = "FOLDER", requires = "headless")]
    pictures: Option<PathBuf>,
    /// How long the load lasts; 15s when headless, else 10m (the dashboard stays open).
    #[arg(long, value_name = "TIME", value_parser = bounded_duration)]
    duration: Option<Duration>,
    /// Where the server listens; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "IP:PORT")]
    addr: SocketAddr,
    #[command(flatten)]
    settings: Flags,
}

pub(crate) fn run(args: &Args, color: Color) -> Result<ExitCode, Failure> {
    let stdout = io::stdout();
    if args.headless || !stdout.is_terminal() {
        let duration = args.duration.unwrap_or(LOAD_HEADLESS);
        let scene = Scene::set(args.addr, args.scenario, duration, headless::tell)?;
        return headless::run(&scene, args.scenario, args.pictures.as_deref(), color);
    }
    let scene = Scene::set(args.addr, args.scenario, args.duration.unwrap_or(LOAD_ON_SCREEN), |_| {})?;
    watch::show(scene.source(), &|| Some(("DEMO", scene.play().in_words())), color, args.settings)
        .map(watch::Closed::exit_code)
}

fn bounded_duration(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(duration) if duration < Duration::from_secs(1) => {
            Err("give at least 1s: nothing shows sooner".to_owned())
        }
        Ok(duration) if duration > Duration::from_secs(3600) => {
            Err("a demo's load may last an hour (1h) at most".to_owned())
        }
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
