//! The lines of a process as text, in segments, and its states between them.
//!
//! Each segment begins with the state of the process that all earlier lines have led to, so that any later state is had by
//! reading part of one segment. Of a recording the text stays in its file. Of a live process the newest [`KEPT_TEXT`] bytes are
//! kept. The states take [`KEPT_STATES`] bytes at most, but for one: of a live process the oldest segments go, of a recording
//! the segments become longer.

use super::Tape;
use super::weight::weight;
use crate::model::process::{Process, at_ns};
use stallscope_wire::Line;

/// Text of a live process that is kept, in bytes.
pub(super) const KEPT_TEXT: usize = 32 << 20;
/// What the states may take, in bytes.
const KEPT_STATES: usize = 64 << 20;
/// Text of a segment, in bytes: it takes some 10 ms to read in an optimized build.
pub(super) const SEGMENT: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Segment {
    /// What all earlier lines have led to.
    pub(super) state: Process,
    /// No line before was written later.
    pub(super) from_ns: u64,
    text: Text,
    /// What it takes to keep the state, and the text with the places of its lines, in bytes.
    weight: usize,
    pub(super) kept: usize,
}

#[derive(Debug)]
pub(super) enum Text {
    /// Line by line.
    Kept(Vec<Box<[u8]>>),
    /// Begins there in the file.
    Recorded(u64),
}

impl Tape {
    /// Tells the process the lines of a segment that were written by a time, but for those that it knows; where that ended.
    pub(super) fn read(&self, at: usize, known: usize, at_ns: u64, process: &mut Process) -> usize {
        match (&self.segments[at].text, &self.recording) {
            (Text::Kept(lines), _) => {
                known + lines[known..].iter().take_while(|line| tell(process, line, at_ns)).count()
            }
            (Text::Recorded(begin), Some(recording)) => {
                let next = self.segments.get(at + 1).and_then(|next| match next.text {
                    Text::Recorded(begin) => Some(begin),
                    Text::Kept(_) => None,
                });
                // A file that cannot be read any more shows nothing later than its states.
                let text = recording.text(begin + known as u64, next).unwrap_or_default();
                let whole = |line: &&[u8]| line.ends_with(b"\n");
                let lines = text.split_inclusive(|&letter| letter == b'\n').take_while(whole);
                known + lines.take_while(|line| tell(process, line, at_ns)).map(<[u8]>::len).sum::<usize>()
            }
            (Text::Recorded(_), None) => known,
        }
    }

    /// Keeps the text of a line that comes after all others, if that does not stand in a file.
    pub(super) fn keep(&mut self, line: &Line, told: Vec<u8>) {
        let begin = self.recording.as_ref().map(|recording| recording.begin(self.newest.lines));
        // As much text as the state takes, at least: copies of a large process are dear.
        let length = self.length.max(self.segments.back().map_or(0, |last| last.weight as u64));
        let is_full = match (self.segments.back().map(|last| &last.text), begin) {
            (None, _) => true,
            (Some(Text::Recorded(last)), Some(Some(begin))) => begin - last >= length,
            (Some(Text::Recorded(_)), _) => false,
            (Some(Text::Kept(_)), _) => self.segments.back().map_or(0, |last| last.kept) as u64 >= length,
        };
        if is_full {
            let state = self.newest.state();
            let text =
                begin.map_or_else(|| Text::Kept(Vec::new()), |begin| Text::Recorded(begin.unwrap_or(0)));
            let weight = weight(&state);
            let from_ns = state.clock.latest_ns();
            self.segments.push_back(Segment { state, from_ns, text, weight, kept: 0 });
            self.make_room();
        }
        if let Some(Segment { text: Text::Kept(lines), kept, .. }) = self.segments.back_mut() {
            let text = if told.is_empty() { line.encode() } else { told };
            let text = text.into_boxed_slice();
            *kept += size_of_val(&text) + text.len();
            lines.push(text);
        }
    }

    fn make_room(&mut self) {
        while self.segments.len() > 1 && self.is_over_budget() {
            if self.recording.is_some() {
                // Every other one goes; the text of each goes on to the next that stays.
                let mut at = 0;
                self.segments.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.length *= 2;
                // The segments have other numbers now.
                self.place.iter_mut().for_each(|place| place.read_to = None);
            } else {
                self.segments.pop_front();
                self.gone += 1;
                let from_ns = self.segments[0].from_ns;
                self.begin_ns = self.begin_ns.max(Some(from_ns));
                self.marks.forget_before(from_ns);
            }
        }
    }

    fn is_over_budget(&self) -> bool {
        let states: usize = self.segments.iter().map(|segment| segment.weight).sum();
        let texts: usize = self.segments.iter().map(|segment| segment.kept).sum();
        states > KEPT_STATES / self.share || texts > KEPT_TEXT / self.share
    }
}

/// Tells a process a line, if it was written by a time; whether it was.
fn tell(process: &mut Process, line: &[u8], at_ns: u64) -> bool {
    // What cannot be read here could not be read at first either: nothing follows.
    let told =
        Line::decode(line).ok().filter(|told| self::at_ns(told).is_none_or(|told_ns| told_ns <= at_ns));
    told.map(|told| process.replay(told)).is_some()
}
