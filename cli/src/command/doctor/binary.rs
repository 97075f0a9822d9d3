//! What an executable file knows of itself: names, lines, and whose code it holds.

use super::item::Item;
use memchr::memmem;
use object::{Object, ObjectSection, SectionFlags, elf};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// No executable that a program is run from is larger; of one that is, only the beginning is looked through.
const LIMIT: u64 = 1 << 30;

/// An executable, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Binary {
    /// Names of functions.
    pub(in super::super) names: bool,
    /// Files and lines.
    pub(super) lines: bool,
    /// The lines are packed so that the instrument does not read them.
    pub(super) compressed: bool,
    /// It holds tokio.
    pub(super) tokio: bool,
    /// It holds the instrument.
    pub(super) instrument: bool,
}

impl Binary {
    /// # Errors
    /// When the file cannot be read, or is no executable of this platform.
    pub(in super::super) fn read(path: &Path) -> io::Result<Self> {
        let mut data = Vec::new();
        File::open(path)?.take(LIMIT).read_to_end(&mut data)?;
        Self::of(&data)
    }

    fn of(data: &[u8]) -> io::Result<Self> {
        let file = object::File::parse(data).map_err(io::Error::other)?;
        let holds = |needle: &str| memmem::find(data, needle.as_bytes()).is_some();
        let line_tables = file.section_by_name(".debug_line");
        let compressed = line_tables.as_ref().is_some_and(|section| match section.flags() {
            SectionFlags::Elf { sh_flags } => sh_flags & u64::from(elf::SHF_COMPRESSED) != 0,
            _ => false,
        });
        Ok(Self {
            names: file.section_by_name(".symtab").is_some(),
            lines: line_tables.is_some_and(|section| section.size() > 0),
            compressed,
            // Places of panics name the source files, which no stripping removes.
            tokio: holds("/tokio-1.") || holds("tokio-rt-worker"),
            instrument: holds("stallscope_instrument") || holds("STALLSCOPE_PROBE_INTERVAL"),
        })
    }

    /// What a stack will show.
    pub(super) fn symbols(self) -> Item {
        const NAME: &str = "symbols";
        match self {
            Self { lines: true, compressed: false, .. } => {
                Item::good(NAME, "names and line tables: a stall is told with file and line")
            }
            Self { lines: true, .. } => Item::gap(
                NAME,
                "line tables are there, compressed: functions are named, not lines",
                "link without --compress-debug-sections",
            ),
            Self { names: true, .. } => Item::gap(
                NAME,
                "names without line tables: functions are named, not lines",
                "put debug = \"line-tables-only\" into [profile.release] of Cargo.toml",
            ),
            _ => Item::gap(
                NAME,
                "stripped: neither functions nor lines are named, only offsets",
                "leave strip out of [profile.release], and put debug = \"line-tables-only\" there",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_holds_both() {
        let own = Binary::read(&std::env::current_exe().expect("it runs")).expect("it is an executable");
        assert!(own.tokio && own.instrument && own.names, "{own:?}");
    }

    #[test]
    fn a_text_is_no_executable() {
        assert!(Binary::of(b"#!/bin/sh\n").is_err());
    }
}
