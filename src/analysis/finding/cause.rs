use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something was late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// It computed.
    Cpu,
    /// It waited in a system call.
    Syscall,
    /// It waited for another thread.
    Lock,
    /// The machine did not run it.
    Host,
    /// No single poll was long, but there were too many.
    Saturation,
    /// It could not be told.
    #[default]
    Unknown,
}

impl From<stallscope_wire::Cause> for Cause {
    fn from(cause: stallscope_wire::Cause) -> Self {
        match cause {
            stallscope_wire::Cause::Cpu => Self::Cpu,
            stallscope_wire::Cause::Syscall => Self::Syscall,
            stallscope_wire::Cause::Lock => Self::Lock,
            stallscope_wire::Cause::Host => Self::Host,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "cpu",
            Self::Syscall => "syscall",
            Self::Lock => "lock",
            Self::Host => "host",
            Self::Saturation => "saturation",
            Self::Unknown => "unknown",
        })
    }
}

impl Cause {
    /// With the system call or the lock that is known of it.
    pub(in super::super) fn in_words(self, syscall: Option<&str>, lock: Option<&str>) -> String {
        let detail = match self {
            Self::Syscall => syscall,
            Self::Lock => lock,
            _ => None,
        };
        detail.map_or_else(|| self.to_string(), |detail| format!("{self} {detail}"))
    }
}
