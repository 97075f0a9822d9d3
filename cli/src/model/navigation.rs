use super::detail::{Detail, FindingId};
use super::key::Action;
use super::process::Process;
use super::tasks::{Order, Site, TaskRow, tasks};
use super::workers::workers;

/// Lines that a page key moves by.
const PAGE: usize = 10;

/// Where on the screen the user is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Navigation {
    pub(crate) screen: Screen,
    pub(crate) pane: Pane,
    pub(crate) help: bool,
    /// The line that is marked in the pane or the stack in front, counted from its top.
    pub(crate) cursor: usize,
    /// The finding that is marked: it stays marked when others overtake it.
    marked: Option<FindingId>,
    /// Where in the list of findings it was.
    pub(crate) finding: usize,
    /// What the table of tasks is sorted by.
    pub(crate) order: Order,
    /// The spawn location that is marked: it stays marked when others overtake it.
    pub(crate) site: Option<String>,
}

/// What fills the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    #[default]
    Dashboard,
    /// All that is known of one finding.
    Finding(FindingId),
    /// One pane.
    Full(Pane),
    /// Tasks by where they were spawned.
    Tasks,
    /// All that is known of the tasks of one spawn location.
    Site(String),
}

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    Lag,
    Workers,
    #[default]
    Findings,
    Handlers,
    Sockets,
}

/// In the order of the Tab key.
const PANES: [Pane; 5] = [Pane::Findings, Pane::Handlers, Pane::Sockets, Pane::Lag, Pane::Workers];

impl Navigation {
    /// Keeps the marks on something that exists.
    pub(super) fn settle(&mut self, process: &Process) {
        if let Screen::Finding(id) = &self.screen
            && id.find(process).is_none()
        {
            self.leave();
        }
        if let Screen::Site(spawned_at) = &self.screen
            && Site::of(process, spawned_at).is_none()
        {
            self.leave();
        }
        let found =
            self.marked.as_ref().and_then(|id| process.findings.iter().position(|finding| id.is_of(finding)));
        self.finding = found.unwrap_or(self.finding).min(process.findings.len().saturating_sub(1));
        self.cursor = self.cursor.min(self.lines(process).saturating_sub(1));
    }

    pub(super) fn act(&mut self, action: Action, process: &Process) {
        match action {
            Action::Help => self.help = !self.help,
            Action::Back if self.help => self.help = false,
            Action::Back => self.leave(),
            // The help covers what these would change.
            _ if self.help => {}
            Action::NextPane => self.turn(1),
            Action::PreviousPane => self.turn(PANES.len() - 1),
            Action::Open => self.open(process),
            Action::Up => self.go(process, |at, _| at.saturating_sub(1)),
            Action::Down => self.go(process, |at, _| at + 1),
            Action::PageUp => self.go(process, |at, _| at.saturating_sub(PAGE)),
            Action::PageDown => self.go(process, |at, _| at + PAGE),
            Action::First => self.go(process, |_, _| 0),
            Action::Last => self.go(process, |_, last| last),
            Action::Tasks => self.toggle_tasks(),
            Action::Sort => self.sort(Order::next),
            Action::Reverse => self.sort(Order::reverse),
            // Of no concern here: what they are about is done before.
            _ => {}
        }
    }

    fn leave(&mut self) {
        self.screen = match self.screen {
            Screen::Site(_) => Screen::Tasks,
            _ => Screen::Dashboard,
        };
        self.cursor = 0;
    }

    fn toggle_tasks(&mut self) {
        match self.screen {
            Screen::Tasks | Screen::Site(_) => self.leave(),
            _ => (self.screen, self.cursor) = (Screen::Tasks, 0),
        }
    }

    /// The first row is looked at anew: who sorts by something wants to see the most of it.
    fn sort(&mut self, change: fn(Order) -> Order) {
        if self.screen == Screen::Tasks {
            self.order = change(self.order);
            self.site = None;
        }
    }

    /// Which of these rows is marked.
    pub(crate) fn marked_row(&self, rows: &[TaskRow]) -> usize {
        let marked = self.site.as_ref();
        marked.and_then(|site| rows.iter().position(|row| row.spawned_at == *site)).unwrap_or(0)
    }

    fn turn(&mut self, steps: usize) {
        if let Screen::Tasks | Screen::Site(_) = self.screen {
            return;
        }
        let at = PANES.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        self.pane = PANES[(at + steps) % PANES.len()];
        self.cursor = 0;
        if let Screen::Full(_) | Screen::Finding(_) = self.screen {
            self.screen = Screen::Full(self.pane);
        }
    }

    fn open(&mut self, process: &Process) {
        let on_findings = self.pane == Pane::Findings;
        match &self.screen {
            Screen::Dashboard if on_findings => {
                let Some(finding) = process.findings.get(self.finding) else { return };
                let id = FindingId::of(finding);
                self.cursor = Detail::of(process, &id).and_then(|detail| detail.culprit).unwrap_or(0);
                self.screen = Screen::Finding(id);
            }
            Screen::Dashboard => self.screen = Screen::Full(self.pane),
            Screen::Full(Pane::Findings) => {
                self.screen = Screen::Dashboard;
                self.open(process);
            }
            Screen::Tasks => {
                let rows = tasks(process, self.order);
                if let Some(row) = rows.get(self.marked_row(&rows)) {
                    self.site = Some(row.spawned_at.clone());
                    (self.screen, self.cursor) = (Screen::Site(row.spawned_at.clone()), 0);
                }
            }
            Screen::Full(_) | Screen::Finding(_) | Screen::Site(_) => {}
        }
    }

    fn go(&mut self, process: &Process, to: impl Fn(usize, usize) -> usize) {
        if self.screen == Screen::Tasks {
            let rows = tasks(process, self.order);
            let last = rows.len().saturating_sub(1);
            self.site =
                rows.get(to(self.marked_row(&rows), last).min(last)).map(|row| row.spawned_at.clone());
            return;
        }
        let last = self.lines(process).saturating_sub(1);
        if self.in_findings() {
            self.finding = to(self.finding, last).min(last);
            self.marked = process.findings.get(self.finding).map(FindingId::of);
        } else {
            self.cursor = to(self.cursor, last).min(last);
        }
    }

    fn in_findings(&self) -> bool {
        self.pane == Pane::Findings && matches!(self.screen, Screen::Dashboard | Screen::Full(_))
    }

    /// How many lines there are to move over.
    fn lines(&self, process: &Process) -> usize {
        if let Screen::Finding(id) = &self.screen {
            return Detail::of(process, id).map_or(0, |detail| detail.finding.stack.len());
        }
        if let Screen::Tasks | Screen::Site(_) = self.screen {
            return 0;
        }
        match self.pane {
            Pane::Lag => 0,
            Pane::Workers => workers(process, 0).len(),
            Pane::Findings => process.findings.len(),
            Pane::Handlers => process.traffic.routes().len(),
            Pane::Sockets => process.ports.rows.len(),
        }
    }
}
