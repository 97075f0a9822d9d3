//! A process as it is, and as it was: its lines, its state now and then, and the place on them that is looked at.

mod from_here;
mod marks;
mod names;
mod place;
mod segments;
mod speed;
#[cfg(test)]
mod tests;
mod weight;

use super::process::{Process, at_ns};
use crate::source::{Message, Origin, Recording};
use from_here::FromHere;
use marks::Marks;
pub(crate) use place::Look;
use place::Place;
use segments::{SEGMENT, Segment};
use speed::Speed;
use stallscope_wire::{Header, Line};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One process.
#[derive(Debug)]
pub(crate) struct Tape {
    newest: Process,
    recording: Option<Arc<Recording>>,
    segments: VecDeque<Segment>,
    /// How many segments were given up: the number of the first that there is.
    gone: u64,
    /// How long a segment becomes.
    length: u64,
    /// So many tapes share what may be kept.
    share: usize,
    /// When the first line was written that tells of a time.
    begin_ns: Option<u64>,
    marks: Marks,
    speed: Speed,
    /// The newest, counted from a moment on that the user has chosen.
    from_here: Option<FromHere>,
    /// None: the newest.
    place: Option<Place>,
    /// It is to be played from its beginning, as soon as that is there.
    to_play: bool,
}

impl Tape {
    /// Of this process nothing is known yet.
    pub(crate) fn new(header: Header, origin: Origin) -> Self {
        Self {
            newest: Process::new(header, origin),
            recording: None,
            segments: VecDeque::new(),
            gone: 0,
            length: SEGMENT,
            share: 1,
            begin_ns: None,
            marks: Marks::default(),
            speed: Speed::default(),
            from_here: None,
            place: None,
            to_play: false,
        }
    }

    /// All its lines can be read again from there.
    pub(crate) fn set_recording(&mut self, recording: Arc<Recording>) {
        self.recording = Some(recording);
    }

    /// It is one of so many: together they keep no more than one alone.
    pub(super) fn set_share(&mut self, share: usize) {
        self.share = share.max(1);
    }

    /// Plays it from the beginning.
    pub(crate) fn play(&mut self) {
        self.to_play = true;
    }

    /// Takes the next line, which came at `ours`, with its text where that is known.
    pub(super) fn apply(&mut self, line: Line, text: Vec<u8>, ours: Duration) {
        // What a live process tells of its past is no state of that time.
        let begins = !self.newest.is_live() || matches!(line, Line::Snapshot(_));
        if self.begin_ns.is_none() && begins {
            self.begin_ns = at_ns(&line);
        }
        if let Line::Stall(stall) = &line {
            self.marks.apply(stall);
        }
        self.keep(&line, text);
        if let Some(counted) = &mut self.from_here {
            counted.apply(line.clone(), ours);
        }
        let tells_of_stall = matches!(line, Line::Stall(_));
        self.newest.apply(line, ours);
        if let Some(place) = self.place.as_mut().filter(|_| tells_of_stall) {
            names::name(&mut place.process, &self.newest);
        }
    }

    /// Takes the next message, which came at `ours`.
    pub(super) fn take(&mut self, message: Message, ours: Duration) {
        match message {
            Message::Line(line, text) => self.apply(*line, text, ours),
            last => {
                self.newest.take_message(last, ours);
                if let Some(counted) = &mut self.from_here {
                    counted.conclude(&self.newest, ours);
                }
            }
        }
    }

    /// Brings all that is derived up to date.
    pub(super) fn settle(&mut self) {
        self.newest.settle();
        self.from_here.iter_mut().for_each(FromHere::settle);
        if let Some(place) = &mut self.place {
            place.process.settle();
        }
    }

    /// The process as it is, whatever is looked at.
    pub(crate) fn newest(&self) -> &Process {
        &self.newest
    }

    /// The process at the time that is looked at.
    pub(crate) fn shown(&self) -> &Process {
        self.place.as_ref().map_or_else(|| self.counted(), |place| &place.process)
    }

    /// The newest, as far as it counts.
    fn counted(&self) -> &Process {
        self.from_here.as_ref().map_or(&self.newest, |counted| &counted.process)
    }

    /// Since when the newest is counted, in nanoseconds since the process's start; none: since its start.
    pub(crate) fn counted_since_ns(&self) -> Option<u64> {
        self.from_here.as_ref().filter(|_| self.place.is_none()).map(FromHere::at_ns)
    }

    /// Counts from here on. What was before can be looked at as ever.
    pub(super) fn count_from_here(&mut self) {
        self.from_here = Some(FromHere::new(&self.newest));
    }

    /// Counts since the process's start.
    pub(super) fn count_all(&mut self) {
        self.from_here = None;
    }

    /// From when to when there is something to look at.
    pub(crate) fn span(&self, ours: Duration) -> (u64, u64) {
        let now_ns = self.newest.clock.now_ns(ours);
        (self.begin_ns.unwrap_or(now_ns).min(now_ns), now_ns)
    }

    /// How many stalls are on it.
    pub(crate) fn stalls(&self) -> usize {
        self.marks.count()
    }

    /// In which of so many columns, all of one time, there was a stall.
    pub(crate) fn stalled(&self, columns: usize, ours: Duration) -> Vec<bool> {
        let span = self.span(ours);
        let mut stalled = vec![false; columns];
        for mark in self.marks.iter().filter(|mark| mark.to_ns >= span.0) {
            let first = Self::column(mark.from_ns, span, columns);
            let last = Self::column(mark.to_ns, span, columns);
            stalled.iter_mut().take(last + 1).skip(first).for_each(|column| *column = true);
        }
        stalled
    }

    /// In which of so many columns between two times one lies.
    pub(crate) fn column(at_ns: u64, (from_ns, to_ns): (u64, u64), columns: usize) -> usize {
        let last = columns.saturating_sub(1);
        let passed = u128::from(at_ns.clamp(from_ns, to_ns.max(from_ns)) - from_ns);
        let all = u128::from(to_ns.saturating_sub(from_ns)).max(1);
        usize::try_from(passed * last as u128 / all).unwrap_or(last).min(last)
    }
}
