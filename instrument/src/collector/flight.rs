//! The flight recorder: when something goes wrong, the lines of the last [`WINDOW_NS`] become a file.
//!
//! The lines are kept in memory, [`ROOM`] bytes of them at most, and written by the collector's thread: at once, since the
//! process may not live long, and once more when what set it off is over, or [`PATIENCE_NS`] later. A file is set off once in
//! [`PACE_NS`] at most, and the folder holds [`folder::MOST`] of them. What is not written is counted.

mod folder;
mod kept;
mod trigger;

use folder::Folder;
use kept::Kept;
use stallscope_wire::{Coverage, End, Flight, Gap, Header, Line};
use std::io;
use std::path::{Path, PathBuf};
use trigger::{Incident, Triggers};

/// What is looked back on, in nanoseconds.
const WINDOW_NS: u64 = 30_000_000_000;
/// The size of a file, in bytes.
const ROOM: usize = 5_000_000;
/// Files are set off at this distance at least, in nanoseconds.
const PACE_NS: u64 = 60_000_000_000;
/// How long the end of what set a file off is waited for, in nanoseconds.
const PATIENCE_NS: u64 = 10_000_000_000;
/// How long after that end is looked on, in nanoseconds.
const AFTER_NS: u64 = 1_000_000_000;

/// The recorder of this process.
#[derive(Debug)]
pub(super) struct FlightRecorder {
    folder: Folder,
    kept: Kept,
    triggers: Triggers,
    /// The file that will be written once more.
    open: Option<Open>,
    /// When the last file was set off.
    last_ns: Option<u64>,
    /// What set off no file since then: there was one.
    suppressed: u64,
    /// Files that there are not, of all.
    lost: u64,
    /// Why the last one could not be written, when that was not told yet.
    problem: Option<String>,
    told: bool,
}

/// A file that is not finished.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    flight: Flight,
    incident: Incident,
    due_ns: u64,
}

impl FlightRecorder {
    /// Keeps its files in this folder, which is made.
    pub(super) fn open(path: &Path) -> Self {
        let folder = Folder::new(path);
        let problem = folder.prepare().err().map(|error| cannot_write(&folder, &error));
        Self {
            folder,
            kept: Kept::default(),
            triggers: Triggers::default(),
            open: None,
            last_ns: None,
            suppressed: 0,
            lost: 0,
            problem,
            told: false,
        }
    }

    /// Takes a line, and what it is as text.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        line: &Line,
        now_ns: u64,
        header: &Header,
        coverage: &Coverage,
    ) {
        self.kept.push(text, line, now_ns);
        let Some((incident, trigger)) = self.triggers.look(line, header) else { return };
        match &mut self.open {
            Some(open) if open.incident == incident => {
                // What is over is told a little later: what it did to others, and the state after it.
                if self.triggers.is_over(&incident) {
                    open.due_ns = open.due_ns.min(now_ns.saturating_add(AFTER_NS));
                }
            }
            _ if !self.triggers.is_news(&incident) => {}
            // It is in the file that is not finished.
            Some(_) => {}
            None if self.last_ns.is_some_and(|last_ns| now_ns.saturating_sub(last_ns) < PACE_NS) => {
                self.suppressed += 1;
                self.lost += 1;
            }
            None => {
                let suppressed = std::mem::take(&mut self.suppressed);
                let after_ns = if self.triggers.is_over(&incident) { AFTER_NS } else { PATIENCE_NS };
                let flight = Flight { trigger, at_ns: now_ns, suppressed, dropped: 0, goes_on: true };
                let unix_ns = header.started_unix_ns.saturating_add(now_ns);
                let path = self.folder.file(header.pid, unix_ns);
                let open = Open { path, flight, incident, due_ns: now_ns.saturating_add(after_ns) };
                self.last_ns = Some(now_ns);
                self.save(open, now_ns, header, coverage);
            }
        }
    }

    /// To be called now and then: finishes the file whose time has come.
    pub(super) fn beat(&mut self, now_ns: u64, header: &Header, coverage: &Coverage) {
        if let Some(open) = self.open.take_if(|open| open.due_ns <= now_ns) {
            self.save(open, now_ns, header, coverage);
            self.open = None;
        }
    }

    /// The process ends: so does the file that is not finished.
    pub(super) fn finish(&mut self, now_ns: u64, header: &Header, coverage: &Coverage) {
        if let Some(open) = self.open.take() {
            self.save(open, now_ns, header, coverage);
        }
    }

    /// Files that were not written, though something set them off.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Why files cannot be written, once.
    pub(super) fn gap(&mut self) -> Option<Gap> {
        let problem = self.problem.take().filter(|_| !self.told)?;
        self.told = true;
        Some(Gap::new(
            format!("flight recordings: {problem}"),
            "set STALLSCOPE_FLIGHT to a folder of your own on a disk with room",
        ))
    }

    /// Writes the file as of now; it stays open until it is finished.
    fn save(&mut self, mut open: Open, now_ns: u64, header: &Header, coverage: &Coverage) {
        open.flight.dropped = self.kept.dropped();
        open.flight.goes_on = !self.kept.ends();
        let (flight, coverage) = (Some(open.flight.clone()), coverage.clone());
        let first = Line::Header(Header { flight, coverage, ..header.clone() }).encode();
        let last = if open.flight.goes_on { Line::End(End { at_ns: now_ns }).encode() } else { Vec::new() };
        let room = ROOM.saturating_sub(first.len() + last.len());
        let lines = self.kept.newest(room);
        let texts = std::iter::once(&*first).chain(lines).chain([&*last]);
        match self.folder.write(&open.path, header.pid, texts) {
            Ok(()) => self.open = Some(open),
            Err(error) => {
                self.lost += 1;
                self.problem = Some(cannot_write(&self.folder, &error));
            }
        }
    }
}

fn cannot_write(folder: &Folder, error: &io::Error) -> String {
    format!("cannot write in {}: {error}", folder.path().display())
}
