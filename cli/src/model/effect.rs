use super::table::Format;

/// What the user wants done outside of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Hand this text to the terminal's clipboard.
    Copy(String),
    /// Write a file that does not exist yet.
    Write(Export),
    /// Open the user's editor there.
    Edit(Place),
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

/// A line of source code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u32,
    /// The folder that a relative path starts from, where the process tells it.
    pub(crate) root: Option<String>,
}

impl Place {
    /// As spawn locations are told: `file:line:column`.
    pub(super) fn parse(told: &str, root: Option<&str>) -> Option<Self> {
        let (file_and_line, column) = told.rsplit_once(':')?;
        let (file, line) = file_and_line.rsplit_once(':')?;
        column.parse::<u32>().ok()?;
        Some(Self { file: file.to_owned(), line: line.parse().ok()?, root: root.map(str::to_owned) })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
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
