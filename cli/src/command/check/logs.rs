//! Event logs, from files and folders.

use stallscope::analysis::History;
use stallscope_wire::{ReadError, Reader};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What could be read, and what could not.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) histories: Vec<History>,
    pub(super) problems: Vec<Problem>,
}

/// Why a log was not read.
#[derive(Debug)]
pub(super) struct Problem {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Missing(io::Error),
    Unreadable(ReadError),
    EmptyFolder,
}

impl Problem {
    /// Whether there was merely nothing in it, as opposed to something that is no log.
    pub(super) fn is_absence(&self) -> bool {
        match &self.kind {
            Kind::Missing(_) => false,
            Kind::Unreadable(error) => error.is_empty_input(),
            Kind::EmptyFolder => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            Kind::Missing(error) => write!(f, "cannot open {path}: {error}"),
            Kind::Unreadable(error) => write!(f, "{path}: {error}"),
            Kind::EmptyFolder => write!(f, "{path} holds no event log (no file that ends in .jsonl)"),
        }
    }
}

impl Logs {
    /// Reads a log, or all logs of a folder.
    pub(super) fn read(&mut self, path: &Path) {
        match logs_in(path) {
            Ok(paths) if paths.is_empty() => self.fail(path, Kind::EmptyFolder),
            Ok(paths) => paths.iter().for_each(|path| self.read_one(path)),
            Err(error) => self.fail(path, Kind::Missing(error)),
        }
    }

    /// Reads all logs of a folder that may well hold none.
    pub(super) fn read_written(&mut self, folder: &Path) {
        match logs_in(folder) {
            Ok(paths) => paths.iter().for_each(|path| self.read_one(path)),
            Err(error) => self.fail(folder, Kind::Missing(error)),
        }
    }

    fn read_one(&mut self, path: &Path) {
        let mut reader = match File::open(path) {
            Err(error) => return self.fail(path, Kind::Missing(error)),
            Ok(file) => match Reader::new(file) {
                Err(error) => return self.fail(path, Kind::Unreadable(error)),
                Ok(reader) => reader,
            },
        };
        let mut history = History::new(reader.header().clone());
        loop {
            match reader.next_line() {
                Ok(Some(line)) => history.apply(line),
                Ok(None) => break history.set_cut(reader.cut()),
                Err(error) => {
                    history.set_cut(true);
                    break self.fail(path, Kind::Unreadable(error));
                }
            }
        }
        self.histories.push(history);
    }

    fn fail(&mut self, path: &Path, kind: Kind) {
        self.problems.push(Problem { path: path.to_owned(), kind });
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
