//! The state that the screen draws: no terminal, no clock, no input or output. Time is given with every message, as read
//! from a clock that started with the view.

mod clock;
mod detail;
mod excerpts;
pub(crate) mod figure;
mod handlers;
mod health;
mod key;
mod lag;
mod navigation;
mod ports;
mod process;
mod runtimes;
mod screen;
mod sockets;
mod spots;
mod stalls;
mod strips;
mod switching;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod traffic;
mod window;
mod workers;

pub(crate) use detail::{Detail, FindingId};
pub(crate) use excerpts::{AROUND, Excerpt, Excerpts, SourcePlace};
pub(crate) use health::{Health, Level, Part, SILENCE, health, worker};
pub(crate) use key::{Action, KEYS, Key};
pub(crate) use lag::LagFigures;
pub(crate) use navigation::{Navigation, Opened};
pub(crate) use process::{Conclusion, Process};
pub(crate) use runtimes::{RuntimeFigures, runtimes};
pub(crate) use screen::Screen;
pub(crate) use sockets::notable;
pub(crate) use spots::{Area, Spots};
pub(crate) use stalls::{is_stall, place};
pub(crate) use strips::{Did, STRIP, Strip};
pub(crate) use switching::Switching;
pub(crate) use table::{Cell, Column, Cut, Kind, Listed, Order, Row, Sign, Table, Tone};
pub(crate) use tasks::{Site, TaskRow, knows_schedule, none_to_show};
pub(crate) use workers::{Doing, WorkerRow, workers};

use crate::source::{Message, Origin};
use stallscope_wire::{Header, Line, Request};
use std::time::Duration;

/// All that the dashboard shows.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    process: Process,
    /// The process as it was when the screen was frozen, and when that was.
    frozen: Option<(Box<Process>, Duration)>,
    pub(crate) navigation: Navigation,
    pub(crate) switching: Switching,
    pub(crate) excerpts: Excerpts,
    /// What there is to say besides, by whoever shows the process.
    pub(crate) remark: Option<String>,
    /// The user is done.
    pub(crate) quit: bool,
}

/// What may change the model.
#[derive(Debug)]
pub(crate) enum Msg {
    Source(Message),
    Key(Key),
    /// Lines of source code that were asked for, where there are any.
    Excerpt(Box<SourcePlace>, Option<Excerpt>),
}

impl Model {
    pub(crate) fn new(header: Header, origin: Origin) -> Self {
        let process = Process::new(header, origin);
        Self {
            process,
            frozen: None,
            navigation: Navigation::default(),
            switching: Switching::default(),
            excerpts: Excerpts::default(),
            remark: None,
            quit: false,
        }
    }

    /// Takes a message that came at `ours`.
    pub(crate) fn update(&mut self, msg: Msg, ours: Duration) {
        match msg {
            Msg::Source(Message::Line(line)) => self.apply(*line, ours),
            Msg::Source(Message::Ended(ending)) => self.process.conclude(Conclusion::Ended(ending), ours),
            Msg::Source(Message::Failed(error)) => {
                self.process.conclude(Conclusion::Failed(error.to_string()), ours);
            }
            Msg::Key(key) => self.press(key, ours),
            Msg::Excerpt(place, excerpt) => self.excerpts.apply(*place, excerpt),
        }
    }

    /// Takes the process's next line.
    pub(crate) fn apply(&mut self, line: Line, ours: Duration) {
        self.process.apply(line, ours);
    }

    /// Brings all that is derived up to date; to be called once after any number of messages, before the screen is drawn.
    pub(crate) fn settle(&mut self) {
        self.process.settle();
        self.switching.settle(&self.process);
        let process = self.frozen.as_ref().map_or(&self.process, |(frozen, _)| frozen);
        self.navigation.settle(process);
    }

    /// What is to be sent to the process since this was asked last.
    pub(crate) fn request(&mut self) -> Option<Request> {
        self.switching.request()
    }

    /// That could not be sent.
    pub(crate) fn refuse(&mut self, why: &str) {
        self.switching.refuse(why);
    }

    /// The process to draw, and the time to draw it at: as it is, or as it was when the screen was frozen.
    pub(crate) fn shown(&self, ours: Duration) -> (&Process, Duration) {
        match &self.frozen {
            Some((process, at)) => (process, *at),
            None => (&self.process, ours),
        }
    }

    /// The list of the screen in front, as the user wants it.
    pub(crate) fn listed(&self, ours: Duration) -> Listed {
        let (process, ours) = self.shown(ours);
        self.navigation.listed(process, process.clock.now_ns(ours))
    }

    /// The line of source code that the screen shows and of which nothing was read yet.
    pub(crate) fn wanted_lines(&self, ours: Duration) -> Option<SourcePlace> {
        let (process, _) = self.shown(ours);
        let id = match (&self.navigation.opened, self.navigation.screen) {
            (Some(Opened::Finding(id)), _) => id.clone(),
            (None, Screen::Overview | Screen::Stalls) => match &self.listed(ours).row()?.opens {
                Opened::Finding(id) => id.clone(),
                _ => return None,
            },
            _ => return None,
        };
        let place = SourcePlace::of(process, id.find(process)?)?;
        (!self.excerpts.knows(&place)).then_some(place)
    }

    /// What was drawn where.
    pub(crate) fn drawn(&mut self, spots: Spots) {
        self.navigation.spots = spots;
    }

    /// The process as it is, frozen or not.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// For how long the screen has been frozen.
    pub(crate) fn frozen_for(&self, ours: Duration) -> Option<Duration> {
        self.frozen.as_ref().map(|&(_, at)| ours.saturating_sub(at))
    }

    /// How soon the screen changes with time alone, if it does.
    pub(crate) fn moves_every(&self) -> Option<Duration> {
        let runs = self.process.is_live() && self.process.conclusion.is_none();
        let ongoing = self.frozen.is_none() && self.process.is_stalled();
        runs.then_some(if ongoing { Duration::ZERO } else { Duration::from_millis(500) })
    }

    fn press(&mut self, key: Key, ours: Duration) {
        self.switching.forget();
        match key.action() {
            Some(Action::Quit) => self.quit = true,
            Some(Action::Pause) if self.frozen.is_some() => self.frozen = None,
            Some(Action::Pause) => {
                self.process.settle();
                self.frozen = Some((Box::new(self.process.clone()), ours));
            }
            Some(Action::Mode) => self.switching.press(&self.process),
            Some(action) => {
                let (process, ours) = match &self.frozen {
                    Some((frozen, at)) => (&**frozen, *at),
                    None => (&self.process, ours),
                };
                self.navigation.act(action, process, process.clock.now_ns(ours));
            }
            None => {}
        }
    }
}
