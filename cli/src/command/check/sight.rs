//! What is judged: where the lines come from, and what of them is missing.

use super::super::doctor;
use super::super::read::{Logs, Problem, watch};
use super::child::{self, Plan};
use super::exact::{self, Exact};
use super::folder::{self, Folder};
use crate::failure::Failure;
use crate::report::Run;
use crate::source::{Source, Target};
use stallscope::analysis::thresholds::{FINEST_STALL_NS, Metric, Stat};
use stallscope::analysis::{History, Judgement, Terms, Threshold, judge};
use stallscope_wire::duration::show;
use stallscope_wire::{Tier, counted};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From this length on a poll is recorded as a stall when nobody says otherwise, in nanoseconds.
const USUAL_THRESHOLD_NS: u64 = 100_000_000;
/// A log is written to twice a second at least; on a machine that is busy, this often.
const ALIVE_WITHIN: Duration = Duration::from_secs(3);

/// What was seen of the processes.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) command: Vec<String>,
    pub(super) runs: Vec<Run>,
    /// What is worth a word.
    pub(super) notes: Vec<String>,
    /// What was not seen and is not accepted.
    pub(super) lacks: Vec<String>,
    /// The command's own code, if it failed.
    pub(super) failure: Option<u8>,
    /// Whoever runs us has had it end.
    signalled: bool,
}

/// What to run.
#[derive(Debug)]
pub(super) struct Order<'a> {
    /// As it was given.
    command: &'a [OsString],
    /// What is run in its place, with `--exact`.
    exact: Option<Exact>,
    timeout: Option<Duration>,
    /// Stdout is the report's alone.
    own_stdout: bool,
}

impl<'a> Order<'a> {
    pub(super) fn of(
        command: &'a [OsString],
        exact: bool,
        timeout: Option<Duration>,
        own_stdout: bool,
    ) -> Result<Self, Failure> {
        let exact = exact.then(|| Exact::of(command)).transpose()?;
        Ok(Self { command, exact, timeout, own_stdout })
    }

    fn note(&self, runs: &[Run]) -> Option<String> {
        match &self.exact {
            Some(exact) => Some(exact.note.clone()),
            None if exact::is_cargo(self.command) => could_be_exact(runs),
            None => None,
        }
    }
}

/// That a build without tokio's task hooks could have them.
fn could_be_exact(runs: &[Run]) -> Option<String> {
    let lacks_hooks = |run: &&Run| {
        let mut gaps = run.history.coverage().missing.iter();
        run.history.header().tier == Tier::Sampled
            && gaps.any(|gap| gap.cure.contains("--cfg tokio_unstable"))
    };
    let pid = runs.iter().find(lacks_hooks)?.history.header().pid;
    Some(format!(
        "process {pid} was seen in the tier sampled, since it was built without tokio's task hooks: with --exact, check has \
         cargo build with them"
    ))
}

impl Sight {
    pub(super) fn of_process(pid: u32, time: Duration) -> Result<Self, Failure> {
        let source = Source::open(&Target::Pid(pid)).map_err(Failure::usage)?;
        let command = source.header.command.clone();
        Ok(Self { command, runs: watch(vec![source], time)?, ..Self::default() })
    }

    /// What is no log is the user's mistake; a log with nothing in it is no data.
    pub(super) fn of_logs(paths: &[PathBuf], allow_incomplete: bool) -> Result<Self, Failure> {
        let mut logs = Logs::default();
        logs.read(paths);
        if let Some(mistake) = logs.problems.iter().find(|problem| !problem.is_absence()) {
            return Err(Failure::usage(mistake));
        }
        let mut sight = Self::default();
        sight.take(logs, allow_incomplete);
        if let [run] = &sight.runs[..] {
            sight.command = run.history.header().command.clone();
        }
        Ok(sight)
    }

    /// Runs the command, perhaps again; whatever its logs look like then, the report says.
    pub(super) fn of_command(order: &Order<'_>, terms: &Terms, again: bool) -> Result<Self, Failure> {
        let (thresholds, allow_incomplete) = (&terms.thresholds, terms.allow_incomplete);
        let folder = Folder::make()?;
        let finest = finest(thresholds);
        let logs = folder.setting();
        let tidying = thread::spawn(folder::remove_left_over);
        let ended = child::run(&Plan {
            command: order.exact.as_ref().map_or(order.command, |exact| &exact.command),
            variables: order.exact.as_ref().map_or(&[], |exact| &exact.variables),
            logs: &logs,
            threshold: finest.map(|(_, limit)| format!("{limit}ns")),
            stdout_to_stderr: order.own_stdout,
            timeout: order.timeout,
        })?;

        let command = order.command.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let mut sight =
            Self { command, failure: ended.failure(), signalled: ended.signalled, ..Self::default() };
        sight.notes.extend(counted_too(thresholds, finest));
        let mut logs = Logs::default();
        logs.read_written(folder.path());
        if let Some(removed) = folder.removed() {
            sight.lacks.push(removed);
            // That there is none is told already.
            logs.problems.retain(|problem| !matches!(problem, Problem::Missing(..)));
        } else if let Some(full) = folder.full().filter(|_| !is_whole(&logs)) {
            sight.lacks.push(full);
        } else if logs.runs.is_empty() && logs.problems.is_empty() {
            sight.lacks.push(nothing_ran(&sight.command));
        }
        if let (Some(time), Some(at)) = (order.timeout, ended.timed_out) {
            let time = show(time.as_nanos() as u64);
            sight.notes.push(format!("the command was ended after {time}: its time was up"));
            sight.notes.extend(logs.runs.iter_mut().filter_map(|run| let_go(&mut run.history, at)));
        }
        sight.notes.extend(order.note(&logs.runs));
        sight.take(logs, allow_incomplete);
        if let Some(wanted) = std::env::var_os("STALLSCOPE_LOG").filter(|wanted| !wanted.is_empty()) {
            sight.notes.extend(uncopied(&folder, Path::new(&wanted), again));
        }
        // A thread that fails has told why.
        let _ = tidying.join();
        Ok(sight)
    }

    /// Judges it, with what was not seen and what is worth a word.
    pub(super) fn judge(&self, terms: &Terms) -> Judgement {
        let histories: Vec<_> = self.runs.iter().map(|run| &run.history).collect();
        let mut judgement = judge(terms, &histories);
        self.lacks.iter().for_each(|lack| judgement.lack(lack.clone()));
        judgement.notes.extend(self.notes.iter().cloned());
        judgement
    }

    /// Whether the command is not to be run again: it failed, or somebody had it end.
    pub(super) fn is_final(&self) -> bool {
        self.failure.is_some() || self.signalled
    }

    /// Takes in what was seen when the command was run again; what was said of it is the judgement's.
    pub(super) fn take_retry(&mut self, again: Self) {
        self.failure = again.failure;
        self.signalled = again.signalled;
        self.runs.extend(again.runs);
    }

    fn take(&mut self, logs: Logs, allow_incomplete: bool) {
        for problem in logs.problems {
            let accepted = allow_incomplete && !logs.runs.is_empty() && problem.is_absence();
            if accepted { &mut self.notes } else { &mut self.lacks }.push(problem.to_string());
        }
        self.runs.extend(logs.runs);
    }
}

/// A process that lived until it was told to end has shown what it had to show, though it could not say that it ended. One
/// that had ended before is left as it is.
fn let_go(history: &mut History, told: SystemTime) -> Option<String> {
    let told_ns = told.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let header = history.header();
    let last_ns = u128::from(header.started_unix_ns) + u128::from(history.last_at_ns());
    if history.ended() || last_ns + ALIVE_WITHIN.as_nanos() < told_ns {
        return None;
    }
    let process = format!("process {} ({})", header.pid, header.exe);
    let cut = if history.cut() { ", but for a last line that it had not finished" } else { "" };
    history.set_cut(false);
    history.release();
    Some(format!("{process} was ended with it; what it had recorded by then is judged{cut}"))
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

/// Every process that began a log has brought it to its end.
fn is_whole(logs: &Logs) -> bool {
    let all = |run: &Run| run.history.complete() && run.history.lost().lines == 0;
    !logs.runs.is_empty() && logs.problems.is_empty() && logs.runs.iter().all(all)
}

/// Whoever has set `STALLSCOPE_LOG` wants the logs, such as a check that runs this one.
fn uncopied(folder: &Folder, wanted: &Path, again: bool) -> Option<String> {
    let (count, error) = folder.copy_to(wanted, again).err()?;
    let logs = counted(count, "event log");
    Some(format!("{logs} could not be copied to {} (STALLSCOPE_LOG): {error}", wanted.display()))
}

fn nothing_ran(command: &[String]) -> String {
    let cure = doctor::unwatched().unwrap_or_else(|| {
        "put #[stallscope::main] on the main function and #[stallscope::test] on tests, or call stallscope::install or \
         stallscope::attach"
            .to_owned()
    });
    format!(
        "nothing instrumented ran; no process that `{}` started wrote an event log: {cure}",
        command.join(" ")
    )
}
