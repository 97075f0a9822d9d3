//! Live readers on platforms without Unix sockets: none.

use stallscope_wire::{Coverage, Header, Line, Request};
use std::fmt;
use std::path::Path;

/// None is ever opened.
#[derive(Debug)]
pub(crate) enum UnixListener {}

/// None ever comes.
#[derive(Debug)]
pub(crate) enum UnixStream {}

/// Nobody.
#[derive(Debug, Default)]
pub(super) struct Live;

/// Why nobody can look on.
#[derive(Debug)]
pub(super) struct Problem;

impl Problem {
    /// What to do for it.
    pub(super) fn cure(&self) -> &'static str {
        "keep an event log (STALLSCOPE_LOG): it holds the same"
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no Unix sockets on this platform")
    }
}

impl Live {
    /// Says that nobody can look on here.
    pub(super) fn open(_path: Option<&Path>, _threshold_ns: u64) -> Result<Self, Problem> {
        Err(Problem)
    }

    pub(super) fn listener(&self) -> Option<UnixListener> {
        None
    }

    pub(super) fn take_in(&mut self, stream: UnixStream, _header: &Header, _coverage: &Coverage) {
        match stream {}
    }

    pub(super) fn hear(&mut self) -> Vec<Request> {
        Vec::new()
    }

    pub(super) fn has_readers(&self) -> bool {
        false
    }

    pub(super) fn write(&mut self, _text: &[u8], _line: &Line) {}

    pub(super) fn close(&mut self) {}

    pub(super) fn lost(&self) -> u64 {
        0
    }
}

pub(super) fn welcome(listener: &UnixListener, _hand_on: impl Fn(UnixStream) -> bool) {
    match *listener {}
}
