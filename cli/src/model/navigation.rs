use super::detail::{Detail, FindingId};
use super::excerpts::SourcePlace;
use super::key::Action;
use super::process::Process;
use super::screen::{SCREENS, Screen};
use super::spots::Spots;
use super::table::{Listed, Listing, Table};
use super::tasks::Site;
use std::rc::Rc;

/// Lines that a page key moves by before it is known how many there is room for.
const PAGE: usize = 10;

/// Where the user is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Navigation {
    pub(crate) screen: Screen,
    /// What is opened over the screen.
    pub(crate) opened: Option<Opened>,
    /// The line that the help begins with, while it is shown.
    pub(crate) help: Option<usize>,
    /// The line that is marked in what is opened.
    pub(crate) cursor: usize,
    /// What the user made of each screen's list.
    listings: [Listing; SCREENS.len()],
    /// Stalls that are shorter are not listed, in nanoseconds; none: those that the process tells of are.
    pub(crate) least_ns: Option<u64>,
    /// Several processes are watched: there is a screen of them.
    pub(crate) several: bool,
    /// They, as they were looked at last.
    pub(super) processes: Rc<Table>,
    /// What was drawn last.
    pub(super) spots: Spots,
    /// A stall that goes on behind the finding that is opened.
    stall: Option<u64>,
    /// Where its accused frame was in its stack.
    accused: usize,
}

/// What is behind a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    /// All that is known of one finding.
    Finding(FindingId),
    /// All that is known of the tasks of one spawn location.
    Site(String),
    /// All columns of the screen's row of this key.
    Row(String),
}

impl Navigation {
    /// Keeps what is opened to something that exists.
    pub(super) fn settle(&mut self, process: &Process) {
        if let Some(Opened::Finding(id)) = &self.opened {
            match Detail::of(process, id) {
                Some(detail) => {
                    self.stall = detail.ongoing.first().map(|record| record.stall.id);
                    // Until the user moves, the accused frame is marked, whichever stack is the longest stall's.
                    let accused = detail.culprit.unwrap_or(0);
                    if self.cursor == std::mem::replace(&mut self.accused, accused) {
                        self.cursor = accused;
                    }
                }
                None => self.find_again(process),
            }
        }
        let exists = match &self.opened {
            Some(Opened::Finding(id)) => id.find(process).is_some(),
            Some(Opened::Site(spawned_at)) => Site::of(process, spawned_at).is_some(),
            Some(Opened::Row(key)) => self.table(process, 0).rows.iter().any(|row| row.key == *key),
            None => return,
        };
        if !exists {
            self.opened = None;
        }
        self.cursor = self.cursor.min(self.lines(process).saturating_sub(1));
    }

    /// The place of a stall has got a name: what is opened goes over to the finding that is told under it.
    fn find_again(&mut self, process: &Process) {
        let Some(stall) = self.stall.take() else { return };
        let of_it = |detail: &Detail<'_>| detail.has(stall);
        if let Some(detail) = Detail::all(process).iter().find(|detail| of_it(detail)) {
            self.cursor = detail.culprit.unwrap_or(0);
            self.accused = self.cursor;
            self.opened = Some(Opened::Finding(FindingId::of(detail.finding)));
        }
    }

    /// The screen's list, as the user wants it.
    pub(crate) fn listed(&self, process: &Process, now_ns: u64) -> Listed {
        let mut table = self.table(process, now_ns);
        if let Some(least_ns) = self.least_ns {
            Rc::make_mut(&mut table).leave_out_below(least_ns);
        }
        let mut listed = self.listings[self.screen.index()].arrange(table);
        listed.first = self.spots.first;
        listed
    }

    /// What rows must have in them.
    pub(super) fn filter(&mut self, words: &str) {
        words.clone_into(&mut self.listing().filter);
        self.listing().look_from_the_top();
    }

    /// The line of code that is marked: in a stack the frame's, else the row's.
    pub(super) fn place(&self, process: &Process, now_ns: u64) -> Option<SourcePlace> {
        let marked = || self.listed(process, now_ns).row().map(|row| row.opens.clone());
        // Of a row in a list no frame is marked.
        let cursor = if self.opened.is_some() { self.cursor } else { usize::MAX };
        match self.opened.clone().or_else(marked)? {
            Opened::Finding(id) => {
                SourcePlace::in_stack(process, id.find(process)?, cursor).into_iter().next()
            }
            Opened::Site(spawned_at) => SourcePlace::spawning(process, &spawned_at),
            Opened::Row(_) => None,
        }
    }

    /// Does what a click there asks for: a screen's name leads to it, a column's head sorts by it, a row is marked, and one that
    /// is marked is opened.
    pub(super) fn click(&mut self, x: u16, y: u16, process: &Process, now_ns: u64) {
        let spots = &self.spots;
        if let Some(&(_, screen)) = spots.screens.iter().find(|(area, _)| area.has(x, y)) {
            return self.show(screen);
        }
        if self.opened.is_some() {
            return;
        }
        let listed = self.listed(process, now_ns);
        if let Some(&(_, name)) = spots.heads.iter().find(|(area, _)| area.has(x, y)) {
            self.listing().sort_by(name, listed.order);
        } else if spots.rows.has(x, y) {
            let at = spots.first + usize::from(y - spots.rows.y);
            if at == listed.marked {
                self.open(process, now_ns);
            } else {
                self.listing().mark(&listed, at);
            }
        }
    }

    pub(super) fn listing(&mut self) -> &mut Listing {
        &mut self.listings[self.screen.index()]
    }

    pub(super) fn act(&mut self, action: Action, process: &Process, now_ns: u64) {
        match action {
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            // The help covers what these would change.
            _ if self.help.is_some() => self.scroll_help(action),
            Action::Back => self.leave(),
            Action::Screen(screen) => self.show(screen),
            Action::NextScreen => self.turn(1),
            Action::PreviousScreen => self.turn(self.screens().len() - 1),
            Action::Open => self.open(process, now_ns),
            Action::Up => self.go(process, now_ns, |at, _| at.saturating_sub(1)),
            Action::Down => self.go(process, now_ns, |at, _| at + 1),
            Action::PageUp => self.go(process, now_ns, usize::saturating_sub),
            Action::PageDown => self.go(process, now_ns, |at, page| at + page),
            Action::First => self.go(process, now_ns, |_, _| 0),
            Action::Last => self.go(process, now_ns, |_, _| usize::MAX),
            Action::Sort if self.opened.is_none() => {
                let table = self.table(process, now_ns);
                self.listing().sort(&table);
            }
            Action::Reverse if self.opened.is_none() => {
                let table = self.table(process, now_ns);
                self.listing().reverse(&table);
            }
            // Of no concern here, or nothing to sort.
            _ => {}
        }
    }

    fn scroll_help(&mut self, action: Action) {
        let Some(first) = &mut self.help else { return };
        let to = match action {
            Action::Back => return self.help = None,
            Action::Up => first.saturating_sub(1),
            Action::Down => *first + 1,
            Action::PageUp => first.saturating_sub(PAGE),
            Action::PageDown => *first + PAGE,
            Action::First => 0,
            Action::Last => usize::MAX,
            _ => return,
        };
        *first = to.min(self.spots.help);
    }

    /// Those that there are.
    pub(crate) fn screens(&self) -> &'static [Screen] {
        if self.several { &SCREENS } else { &SCREENS[..SCREENS.len() - 1] }
    }

    fn show(&mut self, screen: Screen) {
        if self.screens().contains(&screen) {
            (self.screen, self.opened, self.cursor) = (screen, None, 0);
            self.spots.first = 0;
        }
    }

    fn turn(&mut self, steps: usize) {
        let screens = self.screens();
        self.show(screens[(self.screen.index() + steps) % screens.len()]);
    }

    /// One step back: from what is opened, then from a filter, then to the overview.
    fn leave(&mut self) {
        if self.opened.take().is_some() {
            self.cursor = 0;
        } else if !self.listing().filter.is_empty() {
            self.listing().filter.clear();
        } else {
            self.show(Screen::Overview);
        }
    }

    fn open(&mut self, process: &Process, now_ns: u64) {
        if self.opened.is_some() {
            return;
        }
        let listed = self.listed(process, now_ns);
        let Some(row) = listed.row() else { return };
        let opened = row.opens.clone();
        self.cursor = match &opened {
            Opened::Finding(id) => Detail::of(process, id).and_then(|detail| detail.culprit).unwrap_or(0),
            _ => 0,
        };
        self.accused = self.cursor;
        // It is about this one from now on, whoever overtakes it.
        self.listing().mark(&listed, listed.marked);
        self.opened = Some(opened);
    }

    fn go(&mut self, process: &Process, now_ns: u64, to: impl Fn(usize, usize) -> usize) {
        let page = Some(usize::from(self.spots.rows.height)).filter(|&rows| rows > 1);
        let page = page.map_or(PAGE, |rows| rows - 1);
        if self.opened.is_some() {
            let last = self.lines(process).saturating_sub(1);
            self.cursor = to(self.cursor, page).min(last);
        } else {
            let listed = self.listed(process, now_ns);
            self.listing().mark(&listed, to(listed.marked, page));
        }
    }

    /// How many lines of what is opened there are to move over.
    fn lines(&self, process: &Process) -> usize {
        match &self.opened {
            Some(Opened::Finding(id)) => {
                Detail::of(process, id).map_or(0, |detail| detail.finding.stack.len())
            }
            _ => 0,
        }
    }
}
