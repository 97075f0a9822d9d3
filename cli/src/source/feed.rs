//! Several sources at once, and those that come.

use super::ancestry::is_descendant;
use super::discover::sockets_in;
use super::finder::{Finder, Wanted};
use super::open::own_uid;
use super::{Message, OpenError, Source, Target};
use stallscope_wire::{Request, live_folder};
use std::io;
use std::sync::mpsc::TryRecvError;

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
        match self.source(number)?.messages.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
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

/// Opens all that is named. A process that is not instrumented stands for those that it has started, now and later: it is a
/// supervisor.
///
/// # Errors
/// When one of them cannot be opened.
pub(crate) fn open_all(targets: &[Target]) -> Result<(Vec<Source>, Wanted), OpenError> {
    let (mut sources, mut wanted) = (Vec::<Source>::new(), Wanted::default());
    for target in targets {
        let opened = match (Source::open(target), target) {
            (Ok(source), _) => vec![source],
            (Err(error), Target::Pid(pid)) if error.is_not_instrumented() => {
                let offspring = offspring(*pid);
                if offspring.is_empty() {
                    return Err(error);
                }
                wanted.offspring.push(*pid);
                offspring
            }
            (Err(error), _) => return Err(error),
        };
        for source in opened {
            if sources.iter().all(|known| known.origin != source.origin) {
                sources.push(source);
            }
        }
    }
    Ok((sources, wanted))
}

/// Instrumented processes that a process has started.
fn offspring(ancestor: u32) -> Vec<Source> {
    let uid = own_uid();
    let sockets = sockets_in(&live_folder(uid), uid).unwrap_or_default();
    let descend = sockets.into_iter().filter(|&(pid, _)| is_descendant(pid, ancestor));
    // One that does not answer now is taken in when it does.
    descend.filter_map(|(_, socket)| Source::open(&Target::Path(socket)).ok()).collect()
}
