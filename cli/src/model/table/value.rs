use crate::model::figure;
use stallscope_wire::duration::show;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What stands for what is not known.
const UNKNOWN: &str = "–";

/// What stands where a row and a column meet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) value: Value,
    pub(crate) tone: Tone,
}

/// How loud it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Dim,
    Warning,
    Bad,
    /// Each sign of a worker's minute as it stands in its legend.
    Strip,
}

/// What is told. Its text is made when it is needed: of most rows, nobody sees any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// It is not known.
    Unknown,
    /// It does not apply to the row.
    Nothing,
    Text(String),
    Count(u64),
    /// Nanoseconds.
    Time(u64),
    /// How often a second.
    Rate(f64),
    /// 1 is the whole.
    Share(f64),
    Bytes(u64),
    /// Words that stand for a number.
    Words(String, f64),
}

impl Cell {
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl From<Value> for Cell {
    /// What is not known is not loud.
    fn from(value: Value) -> Self {
        let tone = if value == Value::Unknown { Tone::Dim } else { Tone::Plain };
        Self { value, tone }
    }
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Unknown } else { Self::Text(text.to_owned()) }
    }

    pub(crate) fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Unknown, Self::Count)
    }

    pub(crate) fn time(ns: Option<u64>) -> Self {
        ns.map_or(Self::Unknown, Self::Time)
    }

    pub(crate) fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown | Self::Nothing)
    }

    /// As people read it.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        Cow::Owned(match self {
            Self::Unknown => return Cow::Borrowed(UNKNOWN),
            Self::Nothing => return Cow::Borrowed(""),
            Self::Text(text) | Self::Words(text, _) => return Cow::Borrowed(text),
            Self::Count(count) => figure::count(*count),
            Self::Time(ns) => show(*ns).to_string(),
            Self::Rate(rate) => figure::rate(*rate),
            Self::Share(share) => format!("{:.1}%", share * 100.0),
            Self::Bytes(bytes) => figure::bytes(*bytes),
        })
    }

    /// Whether a word, in small letters, stands in it. A figure is looked into for figures alone: of many thousand rows it takes
    /// long to write them all, and nobody looks for a unit.
    pub(super) fn has(&self, word: &str) -> bool {
        match self {
            Self::Unknown | Self::Nothing => false,
            Self::Text(text) | Self::Words(text, _) => text.to_lowercase().contains(word),
            _ => word.contains(|letter: char| letter.is_ascii_digit()) && self.shown().contains(word),
        }
    }

    /// What is not known comes last, whichever way.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let order = match (self.number(), other.number(), self, other) {
            (Some(a), Some(b), ..) => a.total_cmp(&b),
            (_, _, Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => return other.is_known().cmp(&self.is_known()),
        };
        if descending { order.reverse() } else { order }
    }

    fn number(&self) -> Option<f64> {
        Some(match self {
            Self::Unknown | Self::Nothing | Self::Text(_) => return None,
            Self::Count(whole) | Self::Time(whole) | Self::Bytes(whole) => *whole as f64,
            Self::Rate(number) | Self::Share(number) | Self::Words(_, number) => *number,
        })
    }
}
