//! A process as it is, and as it was: its lines, its state now and then, and the place on them that is looked at.
//!
//! The lines stand as text, in segments. Each begins with the state of the process that all earlier lines have led to, so
//! that any later state is had by reading part of one segment. Of a recording the text stays in its file. Of a live process
//! the newest [`KEPT_TEXT`] bytes are kept. The states take [`KEPT_STATES`] bytes at most, but for one: of a live process the oldest
//! segments go, of a recording the segments become longer.

mod from_here;
mod marks;
mod speed;
#[cfg(test)]
mod tests;
mod weight;

use super::key::Action;
use super::process::{Process, at_ns};
use crate::source::{Message, Origin, Recording};
use from_here::FromHere;
use marks::Marks;
use speed::Speed;
use stallscope_wire::{Header, Line};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use weight::weight;

/// Text of a live process that is kept, in bytes.
const KEPT_TEXT: usize = 32 << 20;
/// What the states may take, in bytes.
const KEPT_STATES: usize = 64 << 20;
/// Text of a segment, in bytes: it takes some 10 ms to read in an optimized build.
const SEGMENT: u64 = 1 << 20;
/// A step, and a long one, in nanoseconds.
const STEP_NS: u64 = 1_000_000_000;
const LONG_STEP_NS: u64 = 10 * STEP_NS;

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

#[derive(Debug)]
struct Segment {
    /// What all earlier lines have led to.
    state: Process,
    /// No line before was written later.
    from_ns: u64,
    text: Text,
    /// What it takes to keep the state, and the text with the places of its lines, in bytes.
    weight: usize,
    kept: usize,
}

#[derive(Debug)]
enum Text {
    /// Line by line.
    Kept(Vec<Box<[u8]>>),
    /// Begins there in the file.
    Recorded(u64),
}

/// A time that is looked at.
#[derive(Debug)]
struct Place {
    at_ns: u64,
    process: Box<Process>,
    /// What the process does not know begins there: in the segment of this number, after so many lines that are kept, or
    /// bytes that are recorded.
    read_to: Option<(u64, usize)>,
    /// Since when on our clock it is played from which time on; none while it stands.
    played: Option<(Duration, u64)>,
}

/// What is looked at, when that is not the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The process's time, in nanoseconds since its start.
    pub(crate) at_ns: u64,
    /// How far behind the newest that is.
    pub(crate) behind_ns: u64,
    /// How fast it is played; none while it stands.
    pub(crate) speed: Option<Speed>,
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
        self.newest.apply(line, ours);
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

    /// Which time is looked at; none: the newest.
    pub(crate) fn look(&self, ours: Duration) -> Option<Look> {
        let place = self.place.as_ref()?;
        let behind_ns = self.newest.clock.now_ns(ours).saturating_sub(place.at_ns);
        Some(Look { at_ns: place.at_ns, behind_ns, speed: place.played.map(|_| self.speed) })
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

    /// Goes on to what is to be seen now, where it is played.
    pub(super) fn advance(&mut self, ours: Duration) {
        if self.to_play && self.begin_ns.is_some() {
            self.to_play = false;
            self.play_from(0, ours);
        }
        let Some((since, from_ns)) = self.place.as_ref().and_then(|place| place.played) else { return };
        let at_ns = from_ns.saturating_add(self.speed.of(ours.saturating_sub(since)));
        self.go(at_ns, ours);
    }

    /// Does what a key asks for; false when that is no concern of the tape.
    pub(super) fn act(&mut self, action: Action, ours: Duration) -> bool {
        match action {
            Action::Pause => self.pause(ours),
            Action::Earlier => self.step(|at_ns| at_ns.saturating_sub(STEP_NS), ours),
            Action::Later => self.step(|at_ns| at_ns.saturating_add(STEP_NS), ours),
            Action::MuchEarlier => self.step(|at_ns| at_ns.saturating_sub(LONG_STEP_NS), ours),
            Action::MuchLater => self.step(|at_ns| at_ns.saturating_add(LONG_STEP_NS), ours),
            Action::PreviousStall => self.jump(Marks::before, ours),
            Action::NextStall => self.jump(Marks::after, ours),
            Action::Slower => self.change_speed(Speed::slower, ours),
            Action::Faster => self.change_speed(Speed::faster, ours),
            Action::Newest => self.place = None,
            _ => return false,
        }
        true
    }

    /// Stands still, and goes on: a live process with what is newest, a recording from where it stands.
    fn pause(&mut self, ours: Duration) {
        let over = !self.newest.is_live() || self.newest.conclusion.is_some();
        match &mut self.place {
            None if over && self.newest.conclusion.is_some() => self.play_from(0, ours),
            None => {
                let at_ns = self.newest.clock.now_ns(ours);
                let process = Box::new(self.counted().as_of(at_ns));
                self.place = Some(Place { at_ns, process, read_to: None, played: None });
            }
            Some(place) if place.played.is_some() => place.played = None,
            Some(place) if over => place.played = Some((ours, place.at_ns)),
            Some(_) => self.place = None,
        }
    }

    fn step(&mut self, to: impl Fn(u64) -> u64, ours: Duration) {
        let at_ns = self.at_ns(ours);
        self.go(to(at_ns), ours);
        self.replay(ours);
    }

    fn jump(&mut self, to: impl Fn(&mut Marks, u64) -> Option<u64>, ours: Duration) {
        let at_ns = self.at_ns(ours);
        let (begin_ns, _) = self.span(ours);
        if let Some(sight_ns) = to(&mut self.marks, at_ns).filter(|&sight_ns| sight_ns >= begin_ns) {
            self.go(sight_ns, ours);
            self.replay(ours);
        }
    }

    /// Changes the speed of what is played, and plays what stands.
    fn change_speed(&mut self, change: impl Fn(Speed) -> Speed, ours: Duration) {
        match &self.place {
            Some(place) if place.played.is_some() => self.speed = change(self.speed),
            Some(_) => {}
            None => return,
        }
        if let Some(place) = &mut self.place {
            place.played = Some((ours, place.at_ns));
        }
    }

    fn play_from(&mut self, at_ns: u64, ours: Duration) {
        self.go(at_ns, ours);
        if let Some(place) = &mut self.place {
            place.played = Some((ours, place.at_ns));
        }
    }

    /// What is played goes on from where it is now.
    fn replay(&mut self, ours: Duration) {
        if let Some(place) = self.place.as_mut().filter(|place| place.played.is_some()) {
            place.played = Some((ours, place.at_ns));
        }
    }

    fn at_ns(&self, ours: Duration) -> u64 {
        self.place.as_ref().map_or_else(|| self.newest.clock.now_ns(ours), |place| place.at_ns)
    }

    /// Looks at a time; the newest, when there is none later.
    pub(crate) fn go(&mut self, at_ns: u64, ours: Duration) {
        let (begin_ns, now_ns) = self.span(ours);
        let reading = !self.newest.is_live() && self.newest.conclusion.is_none();
        if at_ns >= now_ns && !reading {
            self.place = None;
            return;
        }
        let at_ns = at_ns.clamp(begin_ns, now_ns);
        let Some(at) = self.segments.partition_point(|segment| segment.from_ns <= at_ns).checked_sub(1)
        else {
            return;
        };
        let number = self.gone + at as u64;
        let place = self.place.take();
        let played = place.as_ref().and_then(|place| place.played);
        let known = place.filter(|place| place.at_ns <= at_ns).and_then(|place| {
            let (segment, read) = place.read_to?;
            (segment == number).then_some((place.process, read))
        });
        let (mut process, read) = known.unwrap_or_else(|| (Box::new(self.segments[at].state.clone()), 0));
        let read = self.read(at, read, at_ns, &mut process);
        process.stand(at_ns);
        self.place = Some(Place { at_ns, process, read_to: Some((number, read)), played });
    }

    /// Tells the process the lines of a segment that were written by a time, but for those that it knows; where that ended.
    fn read(&self, at: usize, known: usize, at_ns: u64, process: &mut Process) -> usize {
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
    fn keep(&mut self, line: &Line, told: Vec<u8>) {
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
