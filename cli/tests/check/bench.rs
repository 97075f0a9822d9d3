//! A folder with made-up logs, and the binary that judges them.

use serde_json::Value;
use stallscope_wire::{
    Cause, Coverage, End, Frame, Header, Histogram, Line, Phase, Quality, Snapshot, Stack, Stall, Startup,
    Tier,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn header() -> Line {
    Line::Header(Header {
        pid: 7,
        exe: "/app".into(),
        tier: Tier::Exact,
        threshold_ns: 100 * MS,
        coverage: Coverage::whole(),
        ..Header::default()
    })
}

pub(crate) fn snapshot() -> Line {
    let poll = Histogram { buckets: vec![(10_000, 1000)], max_ns: 10_000, sum_ns: 10_000_000 };
    let startup = Startup { over: true, ..Startup::default() };
    Line::Snapshot(Snapshot { at_ns: MS, poll, startup, ..Snapshot::default() })
}

pub(crate) fn stall(phase: Phase, ms: u64, cause: Cause) -> Line {
    let frame = Frame { file: Some("src/report.rs".into()), line: Some(42), user: true, ..Frame::default() };
    let stack = Stack { quality: Quality::Exact, culprit: Some(0), frames: vec![frame], ..Stack::default() };
    let attributable_ns = if cause == Cause::Host { 0 } else { ms * MS };
    let stack = Some(stack);
    Line::Stall(Stall { phase, duration_ns: ms * MS, attributable_ns, cause, stack, ..Stall::default() })
}

pub(crate) fn blocked() -> Vec<Line> {
    vec![header(), snapshot(), stall(Phase::End, 312, Cause::Syscall), end()]
}

pub(crate) fn healthy() -> Vec<Line> {
    vec![header(), snapshot(), end()]
}

pub(crate) fn end() -> Line {
    Line::End(End { at_ns: 400 * MS })
}

/// A folder with files, and the binary that is run in it.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        fs::write(self.path(name), content).expect("the file is written");
        self
    }

    pub(crate) fn log(self, name: &str, lines: &[Line]) -> Self {
        let text: Vec<u8> = lines.iter().flat_map(Line::encode).collect();
        self.file(name, &text)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.stallscope("check", arguments)
    }

    pub(crate) fn stallscope(&self, subcommand: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
        for variable in [
            "STALLSCOPE",
            "STALLSCOPE_LOG",
            "STALLSCOPE_THRESHOLD",
            "NO_COLOR",
            "GITHUB_ACTIONS",
            "GITLAB_CI",
        ] {
            command.env_remove(variable);
        }
        command.current_dir(self.0.path()).arg(subcommand).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn check(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().expect("the binary runs"))
    }

    /// Checks a program that leaves this log and then does what the script says.
    pub(crate) fn program(&self, log: &str, then: &str, options: &[&str]) -> Ran {
        let script = format!("cp {log} $STALLSCOPE_LOG/7-1.jsonl; {then}");
        self.check(&[options, &["--", "sh", "-c", &script]].concat())
    }
}

/// What the binary said.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{}\n{}", self.out(), self.err());
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let all = self.out() + &self.err();
        assert!(all.contains(text), "{text:?} is not in:\n{all}");
        assert!(!all.contains("panicked"), "{all}");
        self
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.out()))
    }
}

pub(crate) fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
