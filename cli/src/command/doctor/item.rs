use super::super::checklist::Mark;
use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    pub(super) mark: Mark,
    pub(super) name: String,
    /// How it is.
    pub(super) found: String,
    /// What to do, where it is not as it should be.
    pub(super) cure: Option<String>,
}

impl Item {
    fn new(mark: Mark, name: &str, found: impl Into<String>, cure: Option<String>) -> Self {
        Self { mark, name: name.to_owned(), found: found.into(), cure }
    }

    pub(super) fn good(name: &str, found: impl Into<String>) -> Self {
        Self::new(Mark::Good, name, found, None)
    }

    /// Nothing is wrong with it, and it is worth knowing.
    pub(super) fn note(name: &str, found: impl Into<String>) -> Self {
        Self::new(Mark::Note, name, found, None)
    }

    /// Something is not seen because of it.
    pub(super) fn gap(name: &str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(Mark::Warning, name, found, Some(cure.into()))
    }

    /// Nothing is seen because of it.
    pub(super) fn bad(name: &str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(Mark::Bad, name, found, Some(cure.into()))
    }
}
