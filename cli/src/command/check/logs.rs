//! Event logs, from files and folders.

use crate::source::{Ending, Message, OpenError, Source, Target};
use stallscope::analysis::History;
use stallscope_wire::ReadError;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What could be read, and what could not.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) histories: Vec<History>,
    pub(super) problems: Vec<Problem>,
}

/// Why a log was not read, or not to its end.
#[derive(Debug)]
pub(super) enum Problem {
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
    pub(super) fn is_absence(&self) -> bool {
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
    /// Reads a log, or all logs of a folder.
    pub(super) fn read(&mut self, path: &Path) {
        match logs_in(path) {
            Ok(paths) if paths.is_empty() => self.problems.push(Problem::EmptyFolder(path.to_owned())),
            Ok(paths) => paths.iter().for_each(|path| self.read_one(path)),
            Err(error) => self.problems.push(Problem::Missing(path.to_owned(), error)),
        }
    }

    /// Reads all logs of a folder that may well hold none.
    pub(super) fn read_written(&mut self, folder: &Path) {
        self.read(folder);
        self.problems.retain(|problem| !matches!(problem, Problem::EmptyFolder(_)));
    }

    fn read_one(&mut self, path: &Path) {
        let source = match Source::open(&Target::Path(path.to_owned())) {
            Ok(source) => source,
            Err(error) => return self.problems.push(Problem::Unopened(error)),
        };
        let mut history = History::new(source.header.clone());
        for message in &source.messages {
            match message {
                Message::Line(line) => history.apply(*line),
                Message::Ended(ending) => history.set_cut(ending == Ending::Cut),
                Message::Failed(error) => {
                    history.set_cut(true);
                    self.problems.push(Problem::Garbled(path.to_owned(), error));
                }
            }
        }
        self.histories.push(history);
    }
}

/// The file itself, or the logs of a folder by name.
fn logs_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    Ok(paths)
}
