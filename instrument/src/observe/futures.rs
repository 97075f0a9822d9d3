//! What became of the watched futures that a scope made, by the line that made them.

use stallscope_wire::Watched;
use std::collections::BTreeMap;
use std::panic::Location;

/// Lines that are told apart in a scope; the futures of all others are counted together.
const LINES: usize = 1024;

/// What became of a watched future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was polled for the first time.
    Polled,
    /// It was dropped without one poll.
    Unpolled,
    /// It was polled, and dropped before it was ready.
    Cancelled,
    /// It was dropped without one poll, and what dropped it says nothing of the code.
    Excused,
}

/// The line, and the function that made it where an attribute told.
type Line = Option<(&'static Location<'static>, Option<&'static str>)>;

#[derive(Debug, Default)]
pub(super) struct Futures(BTreeMap<Line, Watched>);

impl Futures {
    pub(super) fn count(
        &mut self,
        location: &'static Location<'static>,
        function: Option<&'static str>,
        fate: Fate,
    ) {
        let line = Some((location, function));
        let line = line.filter(|_| self.0.len() < LINES || self.0.contains_key(&line));
        let counts = self.0.entry(line).or_default();
        *match fate {
            Fate::Polled => &mut counts.polled,
            Fate::Unpolled => &mut counts.unpolled,
            Fate::Cancelled => &mut counts.cancelled,
            Fate::Excused => &mut counts.excused,
        } += 1;
    }

    /// As they are told of a whole process.
    pub(super) fn told(self) -> Vec<Watched> {
        let told = |(line, counts): (Line, Watched)| Watched {
            created_at: line.map(|(location, _)| location.to_string()).unwrap_or_default(),
            function: line.and_then(|(_, function)| function).map(str::to_owned),
            ..counts
        };
        self.0.into_iter().map(told).collect()
    }
}
