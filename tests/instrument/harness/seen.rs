//! What a program left behind.

use super::program::Program;
use stallscope::analysis::{Culprit, Finding, History, Severity, StallRecord, findings};
use stallscope_wire::{Gap, Line, Owner, Reader, Stall};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::rc::Rc;

/// A program that is over.
pub(crate) struct Seen {
    pub(crate) status: ExitStatus,
    /// What the program itself printed.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) logs: Vec<Log>,
    pub(super) program: Rc<Program>,
}

/// An event log.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    pub(crate) history: History,
    pub(crate) lines: Vec<Line>,
}

impl Log {
    /// None when nothing is in it yet.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut reader = Reader::new(File::open(path).ok()?).ok()?;
        let mut history = History::new(reader.header().clone());
        let mut lines = Vec::new();
        while let Some(line) =
            reader.next_line().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        {
            history.apply(line.clone());
            lines.push(line);
        }
        history.set_cut(reader.cut());
        Some(Self { path: path.to_owned(), history, lines })
    }

    /// Stalls that the code answers for.
    pub(crate) fn stalls(&self) -> Vec<&StallRecord> {
        self.history.stalls().filter(|record| !record.blames_host()).collect()
    }

    pub(crate) fn ends(&self) -> bool {
        matches!(self.lines.last(), Some(Line::End(_)))
    }
}

impl Seen {
    /// The program ended well, and nothing was printed among its output.
    #[track_caller]
    pub(crate) fn ended(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.status, self.stderr);
        assert_eq!(self.stdout, "");
        self
    }

    /// The only log.
    pub(crate) fn log(&self) -> &Log {
        let [log] = &self.logs[..] else { panic!("{} logs; stderr: {}", self.logs.len(), self.stderr) };
        log
    }

    /// The only stall that the code answers for.
    pub(crate) fn stall(&self) -> &StallRecord {
        let stalls = self.log().stalls();
        let [stall] = stalls[..] else { panic!("not one stall but {stalls:#?}; told: {:#?}", self.told()) };
        stall
    }

    /// All that was told of stalls, waits and pauses, without stacks.
    pub(crate) fn told(&self) -> Vec<Line> {
        let told = |line: &Line| match line {
            Line::Stall(stall) => Some(Line::Stall(Stall { stack: None, ..stall.clone() })),
            Line::Lag(_) | Line::Pause(_) => Some(line.clone()),
            _ => None,
        };
        self.logs.iter().flat_map(|log| &log.lines).filter_map(told).collect()
    }

    /// There is one stall, it is over, and the marked line is its culprit.
    #[track_caller]
    pub(crate) fn names_the_marked_line(&self, owner: Owner) -> &StallRecord {
        let record = self.stall();
        assert_eq!((place(record), record.stall.owner), (self.marked(), owner), "{record:#?}");
        assert!(!record.ongoing, "{record:#?}");
        record
    }

    /// The marked line, as `file:line`.
    pub(crate) fn marked(&self) -> String {
        self.program.mark.clone().expect("the test marks a line")
    }

    /// What is said to be not seen.
    #[track_caller]
    pub(crate) fn gap(&self, what: &str) -> &Gap {
        let coverage = self.log().history.coverage();
        let gap = coverage.missing.iter().find(|gap| gap.what.contains(what));
        gap.filter(|_| !coverage.complete).unwrap_or_else(|| panic!("{what} is not among {coverage:#?}"))
    }

    /// The program was seen, and nothing of it that anybody would want to know.
    #[track_caller]
    pub(crate) fn is_silent(&self) {
        let log = self.log();
        let found: Vec<Finding> = findings(&[&log.history])
            .into_iter()
            .filter(|finding| finding.severity > Severity::Info)
            .collect();
        assert!(found.is_empty(), "{found:#?}");
        // The root future of a runtime built by hand is out of sight, and said to be.
        let missing = &log.history.coverage().missing;
        assert!(missing.iter().all(|gap| gap.what.starts_with("the root future")), "{missing:#?}");
        assert!(log.history.complete() && log.history.polls() > 0, "nothing was seen: {:#?}", log.lines);
        assert_eq!(self.stderr, "");
    }
}

/// The culprit as `file:line`, from the workspace's folder on: where no macro tells it, debug information does.
pub(crate) fn place(record: &StallRecord) -> String {
    Culprit::of(record).to_string()
}
