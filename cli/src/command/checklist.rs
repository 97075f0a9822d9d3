//! One line for each thing that was looked at: how it is, and what to do where it is not as it should be.

use crate::color::Color;
use crate::failure::{Failure, clean, unless_closed};
use crate::report::Paint;
use serde::Serialize;
use std::io::{self, Write};

/// How a thing is. The sign says it; the colour only repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// As it should be.
    Good,
    /// Worth a word: nothing is wrong with it.
    Note,
    /// Something is not seen, or not as well as it could be.
    Warning,
    /// It does not work.
    Bad,
}

impl Mark {
    fn painted(self, paint: Paint) -> String {
        match self {
            Self::Good => paint.green(&"✓"),
            Self::Note => paint.dim(&"–"),
            Self::Warning => paint.yellow(&"!"),
            Self::Bad => paint.red(&"✗"),
        }
    }
}

/// What is printed of one thing: a short name, what was found, and more lines below it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) name: String,
    pub(super) words: String,
    pub(super) below: Vec<String>,
}

/// Prints entries on stdout, names in a column of their own, and what is to be said last.
pub(super) fn print(entries: &[Entry], last: &str, color: Color) -> Result<(), Failure> {
    let paint = Paint(color.on(&io::stdout()));
    let width = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Entry { mark, name, words, below } in entries {
        let line = format!("{} {:width$}  {}", mark.painted(paint), clean(name), clean(words));
        text += line.trim_end();
        text.push('\n');
        for more in below {
            text += &format!("  {:width$}  {}\n", "", clean(more));
        }
    }
    text.push('\n');
    for line in last.lines() {
        text += &format!("{}\n", clean(line));
    }
    unless_closed(io::stdout().write_all(text.as_bytes()))
}

/// Prints a document on stdout.
pub(super) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(Failure::internal)? + "\n";
    unless_closed(io::stdout().write_all(text.as_bytes()))
}
