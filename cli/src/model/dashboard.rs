//! The model itself: what may change it, and what is asked of it.

use super::several::Aside;
use super::{
    Action, Effect, Excerpt, Excerpts, Key, Keymap, Listed, Mouse, Navigation, Notice, Opened, Process,
    Prompt, Screen, SourcePlace, Spots, Switching, Tape, Together,
};
use crate::source::{Message, Origin};
use stallscope_wire::{Header, Line, Mode, Request};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// All that the dashboard shows.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) tape: Tape,
    pub(crate) navigation: Navigation,
    pub(crate) switching: Switching,
    pub(crate) excerpts: Excerpts,
    pub(crate) keys: Keymap,
    /// What the next key answers.
    pub(crate) prompt: Option<Prompt>,
    /// What there is to say of what was asked for last.
    pub(crate) notice: Option<Notice>,
    pub(super) effects: VecDeque<Effect>,
    /// What the messages of the process on the screen come under.
    pub(super) number: usize,
    /// The processes that are watched beside it.
    pub(super) asides: Vec<Aside>,
    pub(crate) together: Together,
    /// What there is to say besides, by whoever shows the process, and its head.
    pub(crate) remark: Option<(&'static str, String)>,
    /// The user is done.
    pub(crate) quit: bool,
    /// A long list as it was drawn last.
    long: RefCell<Option<Long>>,
}

/// A list so long that it is made anew less often than the screen is drawn.
#[derive(Debug)]
struct Long {
    /// Of which process it is, and on which screen.
    of: (usize, Screen),
    made: Duration,
    listed: Rc<Listed>,
}

/// Rows from which on a list is long.
const LONG: usize = 500;
/// As often as spawn locations are told.
const LONG_PACE: Duration = Duration::from_secs(1);

/// What may change the model.
#[derive(Debug)]
pub(crate) enum Msg {
    /// From the process with this number.
    Source(usize, Message),
    Key(Key),
    /// Lines of source code that were asked for, where there are any.
    Excerpt(Box<SourcePlace>, Option<Excerpt>),
    Mouse(Mouse),
}

impl Model {
    pub(crate) fn new(header: Header, origin: Origin) -> Self {
        Self {
            tape: Tape::new(header, origin),
            navigation: Navigation::default(),
            switching: Switching::default(),
            excerpts: Excerpts::default(),
            keys: Keymap::default(),
            prompt: None,
            notice: None,
            effects: VecDeque::new(),
            number: 0,
            asides: Vec::new(),
            together: Together::default(),
            remark: None,
            quit: false,
            long: RefCell::default(),
        }
    }

    /// Takes what came at `ours`.
    pub(crate) fn update(&mut self, msg: Msg, ours: Duration) {
        if !matches!(msg, Msg::Source(..)) {
            self.long.take();
        }
        match msg {
            Msg::Source(number, message) => self.take(number, message, ours),
            Msg::Key(key) => self.press(key, ours),
            Msg::Excerpt(place, excerpt) => self.excerpts.apply(*place, excerpt),
            Msg::Mouse(mouse) => self.point(mouse, ours),
        }
    }

    /// Takes the next line of the process on the screen.
    pub(crate) fn apply(&mut self, line: Line, ours: Duration) {
        self.tape.apply(line, Vec::new(), ours);
    }

    /// Brings all that is derived up to date; to be called once after any number of messages, before the screen is drawn.
    pub(crate) fn settle(&mut self) {
        self.tape.settle();
        self.switching.settle(self.tape.newest());
        self.navigation.settle(self.tape.shown());
    }

    /// What is to be sent to the process since this was asked last.
    pub(crate) fn request(&mut self) -> Option<Request> {
        self.switching.request()
    }

    /// What is to be done outside since this was asked last.
    pub(crate) fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// That could not be sent.
    pub(crate) fn refuse(&mut self, why: &str) {
        self.switching.refuse(why);
    }

    /// The process to draw, and the time to draw it at: as it is, or as it was at the time that is looked at.
    pub(crate) fn shown(&self, ours: Duration) -> (&Process, Duration) {
        (self.tape.shown(), ours)
    }

    /// The list of the screen in front, as the user wants it.
    pub(crate) fn listed(&self, ours: Duration) -> Listed {
        let (process, ours) = self.shown(ours);
        self.navigation.listed(process, process.clock.now_ns(ours))
    }

    /// The same to be drawn: a long list may be some time old, as long as the user changes nothing.
    pub(crate) fn list(&self, ours: Duration) -> Rc<Listed> {
        let of = (self.number, self.navigation.screen);
        let mut long = self.long.borrow_mut();
        if let Some(long) = long.as_ref().filter(|long| long.of == of)
            && ours.saturating_sub(long.made) < LONG_PACE
        {
            return Rc::clone(&long.listed);
        }
        let listed = Rc::new(self.listed(ours));
        let kept = (listed.table.total > LONG).then(|| Long { of, made: ours, listed: Rc::clone(&listed) });
        *long = kept;
        listed
    }

    /// A line of source code that the screen shows and of which nothing was read yet.
    pub(crate) fn wanted_lines(&self, ours: Duration) -> Option<SourcePlace> {
        let (process, _) = self.shown(ours);
        let places = match (&self.navigation.opened, self.navigation.screen) {
            (Some(Opened::Finding(id)), _) => {
                SourcePlace::in_stack(process, id.find(process)?, self.navigation.cursor)
            }
            (None, Screen::Overview | Screen::Stalls) => match &self.list(ours).row()?.opens {
                Opened::Finding(id) => SourcePlace::of(process, id.find(process)?).into_iter().collect(),
                _ => return None,
            },
            _ => return None,
        };
        places.into_iter().find(|place| !self.excerpts.knows(place))
    }

    /// What was drawn where.
    pub(crate) fn drawn(&mut self, spots: Spots) {
        self.navigation.spots = spots;
    }

    /// The process as it is, whatever is looked at.
    pub(crate) fn process(&self) -> &Process {
        self.tape.newest()
    }

    /// Goes on to what is to be seen now, where a tape is played; to be called before the model is settled.
    pub(crate) fn advance(&mut self, ours: Duration) {
        self.tape.advance(ours);
        self.look_at_several(ours);
    }

    /// How soon the screen changes with time alone, if it does.
    pub(crate) fn moves_every(&self, ours: Duration) -> Option<Duration> {
        let process = self.tape.newest();
        let runs = self.any_runs();
        let often = match self.tape.look(ours) {
            Some(look) => look.speed.is_some(),
            None => runs && process.is_stalled(),
        };
        (runs || often).then_some(if often { Duration::ZERO } else { Duration::from_millis(500) })
    }

    pub(super) fn switch(&mut self, mode: Mode) {
        self.switching.press(mode);
    }

    pub(super) fn go(&mut self, action: Action, ours: Duration) {
        if !self.tape.act(action, ours) && !self.act_on_several(action, ours) {
            let (navigation, process, now_ns) = self.parts(ours);
            navigation.act(action, process, now_ns);
        }
    }

    /// Where the user is, and what is shown there.
    pub(super) fn parts(&mut self, ours: Duration) -> (&mut Navigation, &Process, u64) {
        let process = self.tape.shown();
        (&mut self.navigation, process, process.clock.now_ns(ours))
    }
}
