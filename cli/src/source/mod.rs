//! The read end of the wire: where lines come from, a live process or an event log.

mod ancestry;
mod discover;
mod error;
mod feed;
mod finder;
mod folder;
mod lines;
mod nameless;
mod open;
mod recording;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use discover::{Found, Vitality, discover};
pub(crate) use error::OpenError;
pub(crate) use feed::{Feed, Opened, open_all};
pub(crate) use finder::{Finder, Wanted};
pub(crate) use folder::logs_in;
pub(crate) use lines::{Lines, Next};
pub(crate) use nameless::Names;
pub(crate) use open::{Ending, Message, Origin, Source};
pub(crate) use recording::Recording;
pub(crate) use target::Target;

use stallscope_wire::Header;
use std::path::Path;

/// The name that people know a process by: its executable's, else the first word of its command line.
pub(crate) fn process_name(header: &Header) -> String {
    let path = Some(&header.exe).filter(|exe| !exe.is_empty()).or_else(|| header.command.first());
    let name =
        path.and_then(|path| Path::new(path).file_name()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| format!("process {}", header.pid))
}
