//! Event logs, from files and folders.

use super::progress::Progress;
use crate::report::{Course, Run};
use crate::source::{Ending, Message, Names, OpenError, Source, logs_in};
use stallscope::analysis::History;
use stallscope_wire::ReadError;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What could be read, and what could not.
#[derive(Debug, Default)]
pub(in super::super) struct Logs {
    pub(in super::super) runs: Vec<Run>,
    pub(in super::super) problems: Vec<Problem>,
    names: Names,
}

/// Why a log was not read, or not to its end.
#[derive(Debug)]
pub(in super::super) enum Problem {
    /// There is no such file or folder, or it is closed to us.
    Missing(PathBuf, io::Error),
    /// A folder without logs.
    EmptyFolder(PathBuf),
    /// It is no log of a version known here.
    Unopened(OpenError),
    /// It is one, up to a line that makes no sense.
    Garbled(PathBuf, ReadError),
}

impl Problem {
    /// Whether there was merely nothing in it, as opposed to something that is no log.
    pub(in super::super) fn is_absence(&self) -> bool {
        match self {
            Self::Unopened(error) => error.is_no_data(),
            Self::EmptyFolder(_) => true,
            Self::Missing(..) | Self::Garbled(..) => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path, error) => write!(f, "cannot open {}: {error}", path.display()),
            Self::EmptyFolder(path) => {
                write!(f, "{} holds no event log (no file that ends in .jsonl)", path.display())
            }
            Self::Unopened(error) => error.fmt(f),
            Self::Garbled(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl Logs {
    /// None yet, of processes that ran the same programs as others.
    pub(in super::super) fn among(names: &Names) -> Self {
        Self { names: names.clone(), ..Self::default() }
    }

    /// Reads logs, and all logs of folders.
    pub(in super::super) fn read(&mut self, paths: &[PathBuf]) {
        let mut files = Vec::new();
        for path in paths {
            match logs_in(path) {
                Ok(found) if found.is_empty() => self.problems.push(Problem::EmptyFolder(path.clone())),
                Ok(found) => files.extend(found),
                Err(error) => self.problems.push(Problem::Missing(path.clone(), error)),
            }
        }
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let progress = Progress::of_bytes(files.iter().map(size).sum());
        for path in &files {
            match File::open(path) {
                Ok(file) => self.take(Source::of_log(progress.count(file), path, &self.names), path),
                Err(error) => self.problems.push(Problem::Missing(path.clone(), error)),
            }
        }
    }

    /// Reads all logs of a folder that may well hold none.
    pub(in super::super) fn read_written(&mut self, folder: &Path) {
        self.read(&[folder.to_owned()]);
        self.problems.retain(|problem| !matches!(problem, Problem::EmptyFolder(_)));
    }

    /// Reads one log from stdin.
    pub(in super::super) fn read_stdin(&mut self) {
        let name = Path::new("stdin");
        self.take(Source::of_log(io::stdin(), name, &self.names), name);
    }

    fn take(&mut self, source: Result<Source, OpenError>, path: &Path) {
        let source = match source {
            Ok(source) => source,
            Err(error) => return self.problems.push(Problem::Unopened(error)),
        };
        let (mut history, mut course) = (History::new(source.header.clone()), Course::default());
        for message in &source.messages {
            match message {
                Message::Line(line, _) => {
                    course.note(&line);
                    history.apply(*line);
                }
                Message::Ended(ending) => history.set_cut(ending == Ending::Cut),
                Message::Failed(error) => {
                    history.set_cut(true);
                    self.problems.push(Problem::Garbled(path.to_owned(), error));
                }
            }
        }
        self.runs.push(Run { history, course });
    }
}
