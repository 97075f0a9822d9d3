//! Where lines go, and the header that they go under.

use super::coverage::{gap_of, sampled};
use super::flight::FlightRecorder;
use super::live::{self, Live, UnixListener};
use super::log::Log;
use super::message::Message;
use crate::clock;
use crate::config::Config;
use crate::diagnosis::OWN_SOURCES;
use stallscope_wire::{Coverage, Gap, Header, Tier, Versions};
use std::sync::mpsc::SyncSender;

/// Where lines go.
#[derive(Debug)]
pub(crate) struct Output {
    pub(super) log: Option<Log>,
    pub(super) flight: Option<FlightRecorder>,
    pub(super) live: Live,
    pub(super) header: Header,
    /// Why there is no log, though one is asked for.
    pub(super) no_log: Option<Gap>,
}

impl Output {
    /// Opens the log, if there is to be one, and the live socket. What cannot be had of these is a gap, no failure: the rest
    /// is whole all the same. So is a folder for flight recordings that cannot be written.
    pub(crate) fn open(config: &Config) -> Self {
        let mut header = header(config);
        let log = config.log.as_deref().map(|path| Log::open(path, &header));
        let no_log = log.as_ref().and_then(|log| log.as_ref().err()).map(|(path, error)| {
            Gap::new(
                format!("the event log: cannot write {}: {error}", path.display()),
                "set STALLSCOPE_LOG to a path in a folder of your own on a disk with room",
            )
        });
        let flight = config.flight.as_deref().map(FlightRecorder::open);
        let live = Live::open(config.socket.as_deref(), config.runtime.threshold_ns);
        if let Err(problem) = &live {
            header.coverage.missing.push(Gap::new(format!("live: {problem}"), problem.cure()));
        }
        header.coverage.missing.extend(no_log.clone());
        Self { log: log.and_then(Result::ok), flight, live: live.unwrap_or_default(), header, no_log }
    }

    /// The end at which live readers come in.
    pub(crate) fn listener(&self) -> Option<UnixListener> {
        self.live.listener()
    }
}

/// The thread that waits for live readers, so that the collector needs not look for them.
pub(crate) fn welcome(listener: &UnixListener, collector: &SyncSender<Message>) {
    live::welcome(listener, |stream| collector.send(Message::Reader(stream)).is_ok());
}

fn header(config: &Config) -> Header {
    let mut coverage = Coverage::whole();
    if config.runtime.tier == Tier::Sampled {
        coverage.add(sampled(None));
    }
    gap_of(config.mode).into_iter().for_each(|gap| coverage.add(gap));
    if cfg!(any(not(target_os = "linux"), stallscope_elsewhere)) {
        coverage.add(Gap::new(
            "why a poll is long, and whether the host made it so: this platform does not tell",
            "run the same on Linux",
        ));
    }
    Header {
        pid: std::process::id(),
        exe: std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        started_unix_ns: clock::started_unix_ns(),
        tier: config.runtime.tier,
        mode: config.mode,
        requests: true,
        threshold_ns: config.runtime.threshold_ns,
        lag_limit_ns: config.runtime.lag_limit_ns,
        probe_interval_ns: config.runtime.probe_interval_ns,
        never_polled_ns: config.limits.never_polled_ns,
        lost_task_ns: config.limits.lost_task_ns,
        pool_limit_ns: config.limits.pool_ns,
        leak_window_ns: config.limits.leak_window_ns,
        close_wait_ns: config.limits.close_wait_ns,
        source_root: config.app.source_root.map(str::to_owned),
        krate: config.app.crate_name.map(str::to_owned),
        instrument_sources: OWN_SOURCES.to_owned(),
        coverage,
        versions: Versions {
            stallscope: env!("CARGO_PKG_VERSION").to_owned(),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        },
        cpus: std::thread::available_parallelism().map_or(0, |cpus| cpus.get() as u32),
        flight: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_cannot_be_written_is_a_gap_and_hides_nothing_else() {
        clock::start();
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new().log(file.path().join("a.jsonl")).socket(folder.path().join("live.sock"));
        let output = Output::open(&config);
        let coverage = &output.header.coverage;
        let is_told = |gap: &&Gap| gap.what.starts_with("the event log: cannot write ");
        let told: Vec<_> = coverage.missing.iter().filter(is_told).collect();
        assert!(told.len() == 1 && !told[0].hides_stalls, "{coverage:?}");
        assert!(output.log.is_none() && output.no_log.is_some());
    }
}
