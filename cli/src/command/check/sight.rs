//! What is judged: where the lines come from, and what of them is missing.

use super::child::{self, Plan};
use super::live;
use super::logs::Logs;
use crate::failure::Failure;
use stallscope::analysis::thresholds::{FINEST_STALL_NS, Metric, Stat};
use stallscope::analysis::{History, Threshold};
use stallscope_wire::duration::show;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// From this length on a poll is recorded as a stall when nobody says otherwise, in nanoseconds.
const USUAL_THRESHOLD_NS: u64 = 100_000_000;

/// What was seen of the processes.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) command: Vec<String>,
    pub(super) histories: Vec<History>,
    /// What is worth a word.
    pub(super) notes: Vec<String>,
    /// What was not seen and is not accepted.
    pub(super) lacks: Vec<String>,
    /// The command's own code, if it failed.
    pub(super) failure: Option<u8>,
}

/// What to run.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) command: &'a [OsString],
    pub(super) timeout: Option<Duration>,
    /// Stdout is the report's alone.
    pub(super) own_stdout: bool,
}

impl Sight {
    pub(super) fn of_process(pid: u32, time: Duration) -> Result<Self, Failure> {
        let history = live::watch(pid, time)?;
        Ok(Self { command: history.header().command.clone(), histories: vec![history], ..Self::default() })
    }

    /// What is no log is the user's mistake; a log with nothing in it is no data.
    pub(super) fn of_logs(paths: &[PathBuf], allow_incomplete: bool) -> Result<Self, Failure> {
        let mut logs = Logs::default();
        paths.iter().for_each(|path| logs.read(path));
        if let Some(mistake) = logs.problems.iter().find(|problem| !problem.is_absence()) {
            return Err(Failure::usage(mistake));
        }
        let mut sight = Self::default();
        sight.take(logs, allow_incomplete);
        if let [history] = &sight.histories[..] {
            sight.command = history.header().command.clone();
        }
        Ok(sight)
    }

    /// Runs the command; whatever its logs look like then, the report says.
    pub(super) fn of_command(
        order: &Order<'_>,
        thresholds: &[Threshold],
        allow_incomplete: bool,
    ) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("stallscope-").tempdir().map_err(|error| {
            Failure::internal(format_args!(
                "cannot make a temporary folder for the event logs: {error} (TMPDIR says where they go)"
            ))
        })?;
        let finest = finest(thresholds);
        let ended = child::run(&Plan {
            command: order.command,
            logs: folder.path(),
            threshold: finest.map(|(_, limit)| format!("{limit}ns")),
            stdout_to_stderr: order.own_stdout,
            timeout: order.timeout,
        })?;

        let command = order.command.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let mut sight = Self { command, failure: ended.failure(), ..Self::default() };
        sight.notes.extend(counted_too(thresholds, finest));
        let mut logs = Logs::default();
        logs.read_written(folder.path());
        if logs.histories.is_empty() && logs.problems.is_empty() {
            sight.lacks.push(nothing_ran(&sight.command));
        }
        if let Some(time) = order.timeout.filter(|_| ended.timed_out) {
            sight.notes.push(format!("the command was ended after {}", show(time.as_nanos() as u64)));
        }
        sight.take(logs, allow_incomplete);
        Ok(sight)
    }

    fn take(&mut self, logs: Logs, allow_incomplete: bool) {
        for problem in logs.problems {
            let accepted = allow_incomplete && !logs.histories.is_empty() && problem.is_absence();
            if accepted { &mut self.notes } else { &mut self.lacks }.push(problem.to_string());
        }
        self.histories.extend(logs.histories);
    }
}

/// The threshold below the usual one from whose limit on stalls must be recorded, and that limit. What the user has set
/// holds.
fn finest(thresholds: &[Threshold]) -> Option<(&Threshold, u64)> {
    if std::env::var_os("STALLSCOPE_THRESHOLD").is_some() {
        return None;
    }
    let limits =
        thresholds.iter().filter_map(|threshold| Some((threshold, threshold.needs_stalls_from_ns()?)));
    let (threshold, limit) = limits.min_by_key(|&(_, limit)| limit)?;
    (limit < USUAL_THRESHOLD_NS).then(|| (threshold, limit.max(FINEST_STALL_NS)))
}

/// What a shorter stall that is recorded for one threshold means to those that count stalls.
fn counted_too<'a>(
    thresholds: &'a [Threshold],
    finest: Option<(&'a Threshold, u64)>,
) -> impl Iterator<Item = String> + 'a {
    let counting = thresholds.iter().filter(|threshold| {
        threshold.metric() == Metric::Stall && matches!(threshold.stat(), Stat::Count | Stat::Total)
    });
    finest.into_iter().flat_map(move |(cause, limit)| {
        counting.clone().map(move |threshold| {
            format!("{threshold} is of stalls from {} on, because of {cause}", show(limit))
        })
    })
}

fn nothing_ran(command: &[String]) -> String {
    let off = std::env::var_os("STALLSCOPE").is_some_and(|mode| mode == "off");
    let cure = if off {
        "STALLSCOPE=off is set here, which turns the instrument off: unset it"
    } else {
        "put #[stallscope::main] on the main function, or call stallscope::install or stallscope::attach"
    };
    format!(
        "nothing instrumented ran; no process that `{}` started wrote an event log: {cure}",
        command.join(" ")
    )
}
