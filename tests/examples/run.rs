//! An example that is run by the built `stallscope check`.

use crate::expected::Expected;
use stallscope::analysis::{History, Report, StallRecord};
use stallscope_wire::Reader;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than any example takes, even on a crowded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One example at a time, so that none is a busy machine to another.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs an example to its end.
pub(crate) fn run(name: &'static str) -> Ran {
    Example::start(name).wait()
}

/// `check` and the example, running.
pub(crate) struct Example {
    name: &'static str,
    check: Option<Child>,
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// An example that was checked.
pub(crate) struct Ran {
    output: Output,
    report: Report,
    expected: Expected,
}

impl Example {
    pub(crate) fn start(name: &'static str) -> Self {
        Self::spawn(name, &built(&format!("examples/{name}")), &[])
    }

    /// The built `stallscope` with these arguments in place of an example; the one that is named says what is expected.
    pub(crate) fn stallscope(name: &'static str, arguments: &[&str]) -> Self {
        Self::spawn(name, &built("stallscope"), arguments)
    }

    fn spawn(name: &'static str, program: &Path, arguments: &[&str]) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(built("stallscope"));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
            command.env_remove(name);
        }
        // A backtrace that is printed takes as long as a stall.
        command.env_remove("RUST_BACKTRACE");
        // The logs are written into the temporary folder of `check`.
        command.env("TMPDIR", folder.path()).env("XDG_RUNTIME_DIR", folder.path());
        command.args(["check", "--format", "json", "-o"]).arg(folder.path().join("report.json"));
        command.arg("--").arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let check = Some(command.spawn().expect("the binary runs"));
        Self { name, check, folder, _alone: alone }
    }

    /// Waits until a log shows stalls with their culprits, for which these have answered for twice the threshold; the process
    /// that writes it.
    pub(crate) fn until_stalls(&self, count: usize) -> u32 {
        let named = |record: &&StallRecord, threshold_ns: u64| {
            let has_culprit = record.stall.stack.as_ref().is_some_and(|stack| stack.culprit.is_some());
            has_culprit && record.stall.attributable_ns >= 2 * threshold_ns
        };
        let begun = Instant::now();
        loop {
            let logs = logs_in(self.folder.path());
            let shows = |history: &&History| {
                let threshold_ns = history.header().threshold_ns;
                history.stalls().filter(|record| named(record, threshold_ns)).count() >= count
            };
            if let Some(history) = logs.iter().find(shows) {
                return history.header().pid;
            }
            assert!(begun.elapsed() < PATIENCE, "no log shows {count} stalls");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where it writes.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        let check = self.check.as_mut().expect("it runs");
        check.stdout.take().expect("it is asked for once")
    }

    /// Ends its input.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.check.as_mut().and_then(|check| check.stdin.take()));
    }

    /// Ends a process with SIGKILL.
    pub(crate) fn kill(&self, pid: u32) {
        let status = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
        assert!(status.expect("kill runs").success(), "{pid} of {} cannot be killed", self.name);
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let check = self.check.take().expect("it is waited for once");
        let output = check.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        let report = fs::read(self.folder.path().join("report.json"));
        let report = report.unwrap_or_else(|error| panic!("{error}: {said}"));
        let report = serde_json::from_slice(&report).unwrap_or_else(|error| panic!("{error}: {said}"));
        Ran { report, expected: Expected::of(self.name), output }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let Some(check) = &mut self.check else { return };
        // The example is in a group of its own, which `check` ends when it is told to end.
        let _ = Command::new("kill").args(["-s", "TERM", &check.id().to_string()]).status();
        let _ = check.wait();
    }
}

impl Ran {
    pub(crate) fn exits(self, code: i32) -> Self {
        let said = String::from_utf8_lossy(&self.output.stderr);
        assert_eq!(self.output.status.code(), Some(code), "{said}{:#?}", self.report.findings);
        self
    }

    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().expect("check ends by itself")
    }

    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// What `check` says of it in short, and what it found.
    pub(crate) fn in_words(&self) -> String {
        let found: Vec<_> = self.report.findings.iter().map(|finding| format!("  {finding}\n")).collect();
        format!("{}{}", String::from_utf8_lossy(&self.output.stderr), found.concat())
    }

    pub(crate) fn finds_what_is_expected(&self) {
        self.expected.compare(&self.report);
    }
}

/// A program beside the tests in cargo's target folder.
pub(crate) fn built(name: &str) -> PathBuf {
    let binary = env::current_exe().expect("a test knows its binary");
    let path = binary.ancestors().nth(2).expect("tests lie in the target folder's `deps`").join(name);
    assert!(path.is_file(), "{} is not built: run `cargo test --workspace`, which builds it", path.display());
    path
}

/// The logs below a folder, as far as they are written.
fn logs_in(folder: &Path) -> Vec<History> {
    let mut logs = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            logs.extend(logs_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            logs.extend(read(&path));
        }
    }
    logs
}

fn read(path: &Path) -> Option<History> {
    let mut reader = Reader::new(File::open(path).ok()?).ok()?;
    let mut history = History::new(reader.header().clone());
    while let Ok(Some(line)) = reader.next_line() {
        history.apply(line);
    }
    Some(history)
}
