use crate::analysis::place::short_place;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One function of a finding's stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// Demangled name, where symbols are known.
    pub function: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// The crate that the function belongs to, where it is known.
    #[serde(rename = "crate")]
    pub krate: Option<String>,
    /// The user's own code.
    pub user: bool,
    /// Path of the file that the code lies in, where no symbols are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Offset of the instruction in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Frame {
    /// Where it is, short enough for a line: `file:line`, without what lies before a dependency's or std's own folder.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let file = short_place(self.file.as_deref()?);
        Some(self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.function, &self.module, self.offset) {
            (Some(function), ..) => f.write_str(function),
            (None, Some(module), Some(offset)) => {
                write!(f, "{}+{offset:#x}", module.rsplit('/').next().unwrap_or(module))
            }
            _ => f.write_str("?"),
        }
    }
}

/// The frames of a captured stack as findings have them, innermost first.
#[must_use]
pub fn frames_of(stack: &stallscope_wire::Stack) -> Vec<Frame> {
    stack.frames.iter().map(|frame| frame_of(stack, frame)).collect()
}

fn frame_of(stack: &stallscope_wire::Stack, frame: &stallscope_wire::Frame) -> Frame {
    let named = frame.function.is_some() || frame.file.is_some();
    let module = frame.module.and_then(|module| stack.modules.get(module as usize)).filter(|_| !named);
    Frame {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        krate: frame.krate.clone(),
        user: frame.user,
        offset: module.map(|_| frame.offset),
        module: module.map(|module| module.path.clone()),
    }
}
