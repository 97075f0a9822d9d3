//! What the user has settled once for all runs of the dashboard: a file, and flags that stand above it. What reads files of
//! settings, those of others too.

mod file;
mod flags;
mod load;
mod print;
mod problem;
mod reader;

pub(crate) use flags::Flags;
pub(crate) use load::Settings;
pub(crate) use problem::Problem;
pub(crate) use reader::{Reader, Value};
