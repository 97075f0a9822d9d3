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
/// So much longer the header may become with what its own length leaves out.
const DIGITS: usize = 20;
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
                // A later line knows more of it; a lag that it explains is told in words of its own.
                if !matches!(line, Line::Lag(_)) {
                    open.flight.trigger = trigger;
                }
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
        let mut header = Header { flight, coverage, ..header.clone() };
        let last = if open.flight.goes_on { Line::End(End { at_ns: now_ns }).encode() } else { Vec::new() };
        let around = Line::Header(header.clone()).encode().len() + last.len() + DIGITS;
        let (left_out, lines) = self.kept.newest(ROOM.saturating_sub(around));
        header.flight.iter_mut().for_each(|flight| flight.dropped += left_out);
        let lines: Vec<_> = lines.collect();
        let first = Line::Header(header).encode();
        let texts = std::iter::once(&*first).chain(lines).chain([&*last]);
        match self.folder.write(&open.path, texts) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Cause, Phase, Reader, Stall};
    use std::fs;

    const SECOND_NS: u64 = 1_000_000_000;

    struct Run {
        held: tempfile::TempDir,
        recorder: FlightRecorder,
        header: Header,
    }

    impl Run {
        fn new() -> Self {
            let held = tempfile::tempdir().unwrap();
            let recorder = FlightRecorder::open(held.path());
            let header = Header { pid: 7, started_unix_ns: 1_700_000_000 * SECOND_NS, ..Header::default() };
            Self { held, recorder, header }
        }

        fn write(&mut self, line: &Line, now_ns: u64) {
            self.recorder.write(&line.encode(), line, now_ns, &self.header, &Coverage::whole());
        }

        fn stall(&mut self, id: u64, phase: Phase, now_ns: u64) {
            let stall = Stall { id, phase, at_ns: now_ns, cause: Cause::Cpu, ..Stall::default() };
            self.write(&Line::Stall(stall), now_ns);
        }

        fn beat(&mut self, now_ns: u64) {
            self.recorder.beat(now_ns, &self.header, &Coverage::whole());
        }

        /// What each recording says of itself, and its lines.
        fn recordings(&self) -> Vec<(Flight, Vec<Line>)> {
            let entries = fs::read_dir(self.held.path()).unwrap();
            let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            let read = |path: PathBuf| {
                assert!(fs::metadata(&path).unwrap().len() <= ROOM as u64);
                let mut reader = Reader::new(fs::File::open(path).unwrap()).unwrap();
                let lines = std::iter::from_fn(|| reader.next_line().unwrap()).collect();
                (reader.header().flight.clone().unwrap(), lines)
            };
            paths.into_iter().map(read).collect()
        }
    }

    fn stalls(lines: &[Line]) -> Vec<(u64, Phase)> {
        let stall = |line: &Line| match line {
            Line::Stall(stall) => Some((stall.id, stall.phase)),
            _ => None,
        };
        lines.iter().filter_map(stall).collect()
    }

    #[test]
    fn what_goes_wrong_is_written_at_once_and_once_more_when_it_is_over() {
        let mut run = Run::new();
        run.stall(1, Phase::Begin, SECOND_NS);
        let [(flight, lines)] = &run.recordings()[..] else { panic!("one is written") };
        assert_eq!((flight.at_ns, flight.goes_on), (SECOND_NS, true));
        assert_eq!(stalls(lines), [(1, Phase::Begin)]);
        assert_eq!(lines.last(), Some(&Line::End(End { at_ns: SECOND_NS })));
        run.stall(1, Phase::End, 2 * SECOND_NS);
        run.beat(2 * SECOND_NS + AFTER_NS - 1);
        assert_eq!(run.recordings()[0].1.len(), 2, "a little is waited for");
        run.beat(2 * SECOND_NS + AFTER_NS);
        assert_eq!(stalls(&run.recordings()[0].1), [(1, Phase::Begin), (1, Phase::End)]);
        run.stall(2, Phase::Begin, 4 * SECOND_NS);
        run.beat(30 * SECOND_NS);
        assert_eq!(run.recordings()[0].1.len(), 3, "it is finished");
    }

    #[test]
    fn what_does_not_end_is_finished_all_the_same() {
        let mut run = Run::new();
        run.stall(1, Phase::Begin, SECOND_NS);
        run.stall(1, Phase::Progress, 3 * SECOND_NS);
        run.beat(SECOND_NS + PATIENCE_NS);
        assert_eq!(stalls(&run.recordings()[0].1), [(1, Phase::Begin), (1, Phase::Progress)]);
        assert!(run.recorder.open.is_none());
    }

    #[test]
    fn one_a_minute_and_the_others_are_counted_in_the_next() {
        let mut run = Run::new();
        for id in 0..12 {
            let now_ns = id * 10 * SECOND_NS;
            run.stall(id, Phase::Begin, now_ns);
            run.stall(id, Phase::End, now_ns + 1);
            run.beat(now_ns + AFTER_NS + 1);
        }
        let recordings = run.recordings();
        let told: Vec<_> = recordings.iter().map(|(flight, _)| (flight.at_ns, flight.suppressed)).collect();
        assert_eq!(told, [(0, 0), (60 * SECOND_NS, 5)]);
        assert_eq!(run.recorder.lost(), 10);
    }

    #[test]
    fn a_process_that_ends_meanwhile_leaves_its_own_end() {
        let mut run = Run::new();
        run.stall(1, Phase::Begin, SECOND_NS);
        let end = Line::End(End { at_ns: 2 * SECOND_NS });
        run.write(&end, 2 * SECOND_NS);
        run.recorder.finish(2 * SECOND_NS, &run.header, &Coverage::whole());
        let [(flight, lines)] = &run.recordings()[..] else { panic!("one is written") };
        assert!(!flight.goes_on);
        assert_eq!(lines.iter().filter(|line| **line == end).count(), 1);
    }

    #[test]
    fn a_folder_that_went_away_is_told_once_and_every_file_counted() {
        let mut run = Run::new();
        fs::remove_dir_all(run.held.path()).unwrap();
        fs::write(run.held.path(), "no folder any more").unwrap();
        for minute in 0..3 {
            run.stall(minute, Phase::Begin, minute * 2 * PACE_NS);
            assert_eq!(run.recorder.gap().is_some(), minute == 0);
        }
        assert_eq!(run.recorder.lost(), 3);
        fs::remove_file(run.held.path()).unwrap();
        fs::create_dir(run.held.path()).unwrap();
        run.stall(9, Phase::Begin, 9 * PACE_NS);
        assert_eq!(run.recordings().len(), 1, "there is room again");
    }
}
