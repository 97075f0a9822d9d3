use super::excerpts::SourcePlace;
use super::table::Format;

/// What the user wants done outside of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Hand this text to the terminal's clipboard.
    Copy(String),
    /// Write a file that does not exist yet.
    Write(Export),
    /// Open the user's editor there.
    Edit(SourcePlace),
}

/// A list to be written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    /// What the file's name is to begin with.
    pub(crate) stem: String,
    pub(crate) format: Format,
    pub(crate) text: String,
    pub(crate) rows: usize,
}

/// What there is to say of what was asked for, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) failed: bool,
}

impl Notice {
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { text: text.into(), failed: false }
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), failed: true }
    }
}
