//! What was found of a case.

/// What was found of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It blocks, and findings say so; what is wrong about place and cause.
    Guilty { place: Result<(), String>, cause: Result<(), String> },
    /// It blocks, and no finding says so, as sampling need not.
    Unseen(String),
    /// It blocks, and too few findings say so.
    Missed(String),
    /// It does not block, and no finding says so.
    Silent,
    /// It does not block, and a finding says that it does.
    False(String),
    /// It cannot be shown on this machine.
    Skipped(String),
}

impl Found {
    pub(crate) fn is_right(&self) -> bool {
        match self {
            Self::Guilty { place, cause } => place.is_ok() && cause.is_ok(),
            Self::Silent | Self::Unseen(_) | Self::Skipped(_) => true,
            Self::Missed(_) | Self::False(_) => false,
        }
    }
}
