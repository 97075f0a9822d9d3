//! What the user has settled once for all runs of the dashboard: a file, and flags that stand above it.

mod file;
mod flags;
mod load;
mod print;
mod problem;

pub(crate) use flags::Flags;
pub(crate) use load::Settings;
