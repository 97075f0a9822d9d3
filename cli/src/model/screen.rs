use super::process::Process;
use super::table::Table;
use super::{facts, handlers, sockets, stalls, tasks, workers};
use std::rc::Rc;

/// What fills the terminal, but for what is opened over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    #[default]
    Overview,
    Stalls,
    Tasks,
    Handlers,
    Sockets,
    Workers,
    Runtime,
    /// Where several processes are watched.
    Processes,
}

/// In the order of their numbers.
pub(crate) const SCREENS: [Screen; 8] = [
    Screen::Overview,
    Screen::Stalls,
    Screen::Tasks,
    Screen::Handlers,
    Screen::Sockets,
    Screen::Workers,
    Screen::Runtime,
    Screen::Processes,
];

impl Screen {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Stalls => "Stalls",
            Self::Tasks => "Tasks",
            Self::Handlers => "Handlers",
            Self::Sockets => "Sockets",
            Self::Workers => "Workers",
            Self::Runtime => "Runtime",
            Self::Processes => "Processes",
        }
    }

    /// The key that it is reached by, less one.
    pub(crate) fn index(self) -> usize {
        SCREENS.iter().position(|screen| *screen == self).unwrap_or(0)
    }

    /// The list that keys move in.
    pub(crate) fn table(self, process: &Process, now_ns: u64) -> Rc<Table> {
        let lists = &process.lists;
        match self {
            // What goes on is longer each time it is looked at.
            Self::Overview | Self::Stalls if process.findings_go_on() => {
                Rc::new(stalls::table(process, now_ns))
            }
            Self::Overview | Self::Stalls => lists.findings.or_made(|| stalls::table(process, now_ns)),
            Self::Tasks => Rc::new(tasks::table(process)),
            Self::Handlers => lists.handlers.or_made(|| handlers::table(process)),
            Self::Sockets => lists.sockets.or_made(|| sockets::table(process)),
            Self::Workers => Rc::new(workers::table(process, now_ns)),
            Self::Runtime => Rc::new(facts::table(process)),
            Self::Processes => Rc::default(),
        }
    }
}
