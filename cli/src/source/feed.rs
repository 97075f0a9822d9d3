//! Several sources at once, and those that come.

use super::ancestry::is_descendant;
use super::discover::sockets_in;
use super::error::Kind;
use super::finder::{Finder, Wanted};
use super::folder::newest_in;
use super::open::{own_uid, refused};
use super::{Message, Names, OpenError, Source, Target};
use stallscope_wire::{Request, counted, live_folder};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A process that has just started makes its socket within this time, and so do those that it starts.
const STARTING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(50);
/// So many logs of a folder are shown, the newest.
const LOGS: usize = 32;

/// What is read: some sources from the beginning, and processes that come later.
///
/// Each source has a number, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Feed<'a> {
    given: &'a [Source],
    came: Vec<Option<Source>>,
    finder: Option<Finder>,
}

impl<'a> Feed<'a> {
    /// Of these alone.
    pub(crate) fn of(given: &'a [Source]) -> Self {
        Self { given, came: Vec::new(), finder: None }
    }

    /// And of processes that come.
    pub(crate) fn with(self, finder: Option<Finder>) -> Self {
        Self { finder, ..self }
    }

    /// The sources of the beginning, numbered from 0.
    pub(crate) fn given(&self) -> &'a [Source] {
        self.given
    }

    /// The next source that has come, if one has, and its number.
    pub(crate) fn arrival(&mut self) -> Option<(usize, &Source)> {
        let source = self.finder.as_ref()?.next()?;
        self.came.push(Some(source));
        let number = self.given.len() + self.came.len() - 1;
        self.came.last()?.as_ref().map(|source| (number, source))
    }

    /// The next message of a source, if one waits. After its last there is none.
    pub(crate) fn next(&self, number: usize) -> Option<Message> {
        self.source(number)?.messages.try_recv().ok()
    }

    /// Asks a process for something.
    ///
    /// # Errors
    /// When it is no process that runs, or it does not read what it is asked.
    pub(crate) fn ask(&self, number: usize, request: &Request) -> io::Result<()> {
        self.source(number).ok_or(io::ErrorKind::NotConnected)?.ask(request)
    }

    /// Reads no more from one that has come: nobody wants to know.
    pub(crate) fn close(&mut self, number: usize) {
        let came = number.checked_sub(self.given.len()).and_then(|number| self.came.get_mut(number));
        if let Some(source) = came {
            *source = None;
        }
    }

    fn source(&self, number: usize) -> Option<&Source> {
        match number.checked_sub(self.given.len()) {
            None => self.given.get(number),
            Some(number) => self.came.get(number)?.as_ref(),
        }
    }
}

/// What could be opened of all that is named.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) sources: Vec<Source>,
    pub(crate) wanted: Wanted,
    /// What is not shown, for people.
    pub(crate) left_out: Vec<String>,
}

/// Opens all that is named. A folder stands for the logs in it, the newest first. A process that is not instrumented stands for
/// those that it has started, now and later: it is a supervisor.
///
/// # Errors
/// When one of them cannot be opened.
pub(crate) fn open_all(targets: &[Target]) -> Result<Opened, OpenError> {
    let (mut all, names) = (Opened::default(), Names::default());
    for target in targets {
        let opened = match target {
            Target::Path(path) if path.is_dir() => {
                let (logs, left_out) = logs_of(path, &names)?;
                all.left_out.extend(left_out);
                logs
            }
            target => {
                let (opened, supervisor) = open(target, &names)?;
                all.wanted.offspring.extend(supervisor);
                opened
            }
        };
        for source in opened {
            if all.sources.iter().all(|known| known.origin != source.origin) {
                all.sources.push(source);
            }
        }
    }
    Ok(all)
}

/// What a target stands for that is no folder, and whether it is a supervisor.
fn open(target: &Target, names: &Names) -> Result<(Vec<Source>, Option<u32>), OpenError> {
    let until = Instant::now() + STARTING;
    loop {
        match (Source::open_among(target, names), target) {
            (Ok(source), _) => return Ok((vec![source], None)),
            (Err(error), Target::Pid(pid)) if error.is_not_instrumented() => {
                let offspring = offspring(*pid);
                if !offspring.is_empty() {
                    return Ok((offspring, Some(*pid)));
                }
                if Instant::now() >= until {
                    return Err(error);
                }
            }
            (Err(error), _) => return Err(error),
        }
        thread::sleep(LOOK);
    }
}

/// The newest logs of a folder, and what is not shown of it. One that cannot be read hides no other.
fn logs_of(folder: &Path, names: &Names) -> Result<(Vec<Source>, Vec<String>), OpenError> {
    let paths = newest_in(folder).map_err(|error| refused(folder, error))?;
    let (mut opened, mut problems, mut older) = (Vec::new(), Vec::new(), 0);
    for path in paths {
        if opened.len() == LOGS {
            older += 1;
            continue;
        }
        match Source::open_among(&Target::Path(path), names) {
            Ok(source) => opened.push(source),
            Err(error) => problems.push(error),
        }
    }
    if opened.is_empty() {
        let problem = problems.into_iter().next();
        return Err(problem.unwrap_or_else(|| OpenError::new(Kind::EmptyFolder(folder.to_owned()))));
    }
    let cut = (older > 0).then(|| {
        let older = counted(older, "older log");
        format!("{older} of {} not shown, only the newest {LOGS}: name a log to see it", folder.display())
    });
    Ok((opened, cut.into_iter().chain(problems.iter().map(|why| format!("not shown: {why}"))).collect()))
}

/// Instrumented processes that a process has started.
fn offspring(ancestor: u32) -> Vec<Source> {
    let uid = own_uid();
    let sockets = sockets_in(&live_folder(uid), uid).unwrap_or_default();
    let descend = sockets.into_iter().filter(|&(pid, _)| is_descendant(pid, ancestor));
    // One that does not answer now is taken in when it does.
    descend.filter_map(|(_, socket)| Source::open(&Target::Path(socket)).ok()).collect()
}
