use crate::{
    Coverage, Earlier, Failure, Handlers, Header, Lost, Orphan, PoolWait, Snapshot, Sockets, Stall, Unpolled,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the format that a reader must know: one with a higher major version is refused.
pub const MAJOR: u32 = 1;
/// Grows when a field or a kind is added; readers need not care. A new value of an enumeration is no such addition.
pub const MINOR: u32 = 8;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Line {
    /// Who writes.
    Header(Header),
    /// State of the runtimes.
    Snapshot(Snapshot),
    /// A poll over the threshold.
    Stall(Stall),
    /// The stalls before those that a live reader is told of one by one.
    Earlier(Earlier),
    /// A probe over the lag limit.
    Lag(Lag),
    /// The machine did not run us.
    Pause(Pause),
    /// Handler latency.
    Handler(Handlers),
    /// Open sockets.
    Socket(Sockets),
    /// A task that was not polled within its limit.
    Unpolled(Unpolled),
    /// A task that failed unseen.
    Failure(Failure),
    /// A task that nothing can wake.
    Orphan(Orphan),
    /// Work that waits for the blocking pool.
    Pool(PoolWait),
    /// What is not seen; replaces what was said before.
    Coverage(Coverage),
    /// What was dropped; replaces what was said before.
    Lost(Lost),
    /// The process ended in order; nothing follows.
    End(End),
    /// The recording ended, and the process ran on; nothing follows.
    Leave(Leave),
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

#[derive(Serialize)]
struct Versioned<'a> {
    stallscope: u32,
    minor: u32,
    #[serde(flatten)]
    line: &'a Line,
}

impl Line {
    /// The line as JSON, with the newline that ends it. A header is given the format's version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = match self {
            Self::Header(_) => serde_json::to_vec(&Versioned { stallscope: MAJOR, minor: MINOR, line: self }),
            _ => serde_json::to_vec(self),
        }
        .expect("plain data has a JSON form");
        text.push(b'\n');
        text
    }

    /// The line that this text is, with or without the newline that ends it. One of a kind that this version does not know
    /// is [`Line::Unknown`].
    ///
    /// # Errors
    /// When the text is no JSON of the form that its kind has.
    pub fn decode(text: &[u8]) -> Result<Self, DecodeError> {
        Self::parse(text).map_err(DecodeError)
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        // Every line that we write begins with its kind. One whose kind is known is read in one go; else its fields are kept
        // until the kind is found, which takes three times as long.
        match kind(text) {
            Some(b"snapshot") => serde_json::from_slice(text).map(Self::Snapshot),
            Some(b"stall") => serde_json::from_slice(text).map(Self::Stall),
            Some(b"handler") => serde_json::from_slice(text).map(Self::Handler),
            Some(b"socket") => serde_json::from_slice(text).map(Self::Socket),
            Some(b"lag") => serde_json::from_slice(text).map(Self::Lag),
            _ => serde_json::from_slice(text),
        }
    }
}

/// The kind of a line that begins with it.
fn kind(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"{\"kind\":\"")?;
    let end = rest.iter().take(16).position(|&byte| byte == b'"')?;
    Some(&rest[..end])
}

/// A text is no line.
#[derive(Debug)]
pub struct DecodeError(serde_json::Error);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no line of an event log: {}", self.0)
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A probe waited longer than the lag limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// When the wait ended, or, for one that goes on, when this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// tokio's id of the runtime.
    pub runtime: u64,
    /// How long it waited, in nanoseconds.
    pub wait_ns: u64,
    /// The part that the code answers for, in nanoseconds.
    pub attributable_ns: u64,
    /// It still waits.
    pub ongoing: bool,
    /// Stalls that were going on in the runtime during the wait; empty: no single poll explains it.
    pub stalls: Vec<u64>,
}

/// The watchdog was not run for longer than it slept: the machine was busy elsewhere, or stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pause {
    /// When it was run again, in nanoseconds since the start.
    pub at_ns: u64,
    /// For how long it was not, in nanoseconds.
    pub gap_ns: u64,
}

/// The process ended in order, or a flight recording of it did: [`Flight::goes_on`](crate::Flight::goes_on).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
}

/// Whoever recorded the process had seen enough. Never written by the process itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leave {
    /// The time of the last line before, in nanoseconds since the start.
    pub at_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a line is when its kind is looked for among its fields.
    fn at_length(text: &[u8]) -> Option<Line> {
        serde_json::from_slice(text).ok()
    }

    #[test]
    fn a_line_is_the_same_wherever_its_kind_stands() {
        let lines = [
            Line::Snapshot(Snapshot { at_ns: 5, untimed: 3, ..Snapshot::default() }),
            Line::Stall(Stall { id: 7, ..Stall::default() }),
            Line::Handler(Handlers { at_ns: 6, ..Handlers::default() }),
            Line::Socket(Sockets { at_ns: 7, total: 3, ..Sockets::default() }),
            Line::Lag(Lag { at_ns: 8, stalls: vec![1, 2], ..Lag::default() }),
            Line::Coverage(Coverage::whole()),
            Line::End(End { at_ns: 9 }),
        ];
        for line in lines {
            let text = line.encode();
            assert_eq!(Line::decode(&text).unwrap(), line);
            assert_eq!(at_length(&text), Some(line.clone()));
            let mut fields: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let kind = fields.as_object_mut().unwrap().remove("kind").unwrap();
            let body = fields.to_string();
            let last = format!("{},\"kind\":{kind}}}", &body[..body.len() - 1]).replace("{,", "{");
            assert_eq!(Line::decode(last.as_bytes()).unwrap(), line, "{last}");
        }
        assert_eq!(Line::decode(b"{\"kind\":\"weather\"}").unwrap(), Line::Unknown);
    }

    proptest! {
        #[test]
        fn what_is_no_line_at_length_is_none_at_once(
            kind in prop::sample::select(vec!["snapshot", "stall", "lag", "socket", "handler", "end"]),
            rest in "[a-z0-9_\":,{}\\[\\] ]{0,40}",
        ) {
            let text = format!("{{\"kind\":\"{kind}\",\"at_ns\":{rest}}}");
            prop_assert_eq!(Line::decode(text.as_bytes()).ok(), at_length(text.as_bytes()));
        }
    }
}
