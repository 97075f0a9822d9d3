//! The place on the tape that is looked at: where the keys move it, and how it is played.

use super::Tape;
use super::marks::Marks;
use super::names;
use super::speed::Speed;
use crate::model::key::Action;
use crate::model::process::Process;
use std::time::Duration;

/// A step, and a long one, in nanoseconds.
const STEP_NS: u64 = 1_000_000_000;
const LONG_STEP_NS: u64 = 10 * STEP_NS;

/// A time that is looked at.
#[derive(Debug)]
pub(super) struct Place {
    at_ns: u64,
    pub(super) process: Box<Process>,
    /// What the process does not know begins there: in the segment of this number, after so many lines that are kept, or
    /// bytes that are recorded.
    pub(super) read_to: Option<(u64, usize)>,
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
    /// Which time is looked at; none: the newest.
    pub(crate) fn look(&self, ours: Duration) -> Option<Look> {
        let place = self.place.as_ref()?;
        let behind_ns = self.newest.clock.now_ns(ours).saturating_sub(place.at_ns);
        Some(Look { at_ns: place.at_ns, behind_ns, speed: place.played.map(|_| self.speed) })
    }

    /// Goes on to what is to be seen now, where it is played.
    pub(in super::super) fn advance(&mut self, ours: Duration) {
        if self.to_play && self.begin_ns.is_some() {
            self.to_play = false;
            self.play_from(0, ours);
        }
        let Some((since, from_ns)) = self.place.as_ref().and_then(|place| place.played) else { return };
        let at_ns = from_ns.saturating_add(self.speed.of(ours.saturating_sub(since)));
        self.go(at_ns, ours);
    }

    /// Does what a key asks for; false when that is no concern of the tape.
    pub(in super::super) fn act(&mut self, action: Action, ours: Duration) -> bool {
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
        names::name(&mut process, &self.newest);
        process.stand(at_ns);
        self.place = Some(Place { at_ns, process, read_to: Some((number, read)), played });
    }
}
