//! Several processes in one dashboard: one is on the screen, the others are watched beside it.

use super::navigation::Navigation;
use super::process::Process;
use super::processes::{self, is_alike};
use super::screen::Screen;
use super::switching::Switching;
use super::table::Table;
use super::tape::Tape;
use super::{Action, Model, Notice};
use crate::source::{Message, Origin, process_name};
use stallscope_wire::Header;
use std::rc::Rc;
use std::time::Duration;

/// Figures of those that are not on the screen are brought up to date at this pace.
const PACE: Duration = Duration::from_millis(500);
/// So many that have ended are kept with their last state, besides the one on the screen.
const KEPT: usize = 8;

/// A process that is not on the screen now.
#[derive(Debug)]
pub(super) struct Aside {
    /// What its messages come under.
    pub(super) number: usize,
    pub(super) tape: Tape,
    switching: Switching,
}

/// All of them together, as they were at some time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Together {
    /// A row each.
    pub(crate) processes: Rc<Table>,
    /// What did damage in any of them.
    pub(crate) culprits: Table,
    /// How many ended ones were given up.
    pub(crate) forgotten: usize,
    /// When, on the view's clock.
    at: Option<Duration>,
}

impl Model {
    /// Another process is watched too. Its tape, for whoever knows more of it.
    pub(crate) fn add(&mut self, number: usize, header: Header, origin: Origin) -> &mut Tape {
        let at = self.asides.len();
        self.asides.push(Aside { number, tape: Tape::new(header, origin), switching: Switching::default() });
        self.navigation.several = true;
        self.together.at = None;
        let share = self.asides.len() + 1;
        self.tape.set_share(share);
        self.asides.iter_mut().for_each(|aside| aside.tape.set_share(share));
        &mut self.asides[at].tape
    }

    /// A process has come while others are watched. One that takes the place of the one on the screen is shown, unless the
    /// user looks at something that would be gone then.
    pub(crate) fn come(&mut self, number: usize, header: Header, origin: Origin, ours: Duration) {
        let name = format!("{} runs", process_name(&header));
        let pid = header.pid;
        let before = self.predecessor(&header).map(|(number, process)| (number, process.header().pid));
        self.add(number, header, origin);
        let looks_on = self.navigation.opened.is_none()
            && self.navigation.help.is_none()
            && self.tape.look(ours).is_none();
        let told = match before {
            Some((gone, old)) if gone == self.number && looks_on => {
                self.select(number);
                format!("{name} again, as pid {pid}: shown now; P goes back to the last state of pid {old}")
            }
            Some((_, old)) => format!("{name} again, as pid {pid} after pid {old}: p shows it"),
            None => format!("{name} as pid {pid} too: p shows it"),
        };
        self.notice = Some(Notice::done(told));
    }

    /// Takes a message of the process with this number.
    pub(crate) fn take(&mut self, number: usize, message: Message, ours: Duration) {
        if let Some(tape) = self.tape_of(number) {
            tape.take(message, ours);
        }
    }

    /// What the messages of the process on the screen come under.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Those of all processes.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let mut numbers: Vec<_> = self.asides.iter().map(|aside| aside.number).chain([self.number]).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Gives up the oldest of those that have ended, where they are many: their numbers.
    pub(crate) fn forget(&mut self) -> Vec<usize> {
        let ended = |aside: &Aside| aside.tape.newest().conclusion.is_some();
        let mut numbers: Vec<_> =
            self.asides.iter().filter(|aside| ended(aside)).map(|aside| aside.number).collect();
        numbers.sort_unstable();
        numbers.truncate(numbers.len().saturating_sub(KEPT));
        self.asides.retain(|aside| !numbers.contains(&aside.number));
        self.together.forgotten += numbers.len();
        numbers
    }

    /// Whether any of them still runs.
    pub(crate) fn any_runs(&self) -> bool {
        let runs = |process: &Process| process.is_live() && process.conclusion.is_none();
        runs(self.tape.newest()) || self.asides.iter().any(|aside| runs(aside.tape.newest()))
    }

    /// Does what concerns several processes; false when a key does not.
    pub(super) fn act_on_several(&mut self, action: Action, ours: Duration) -> bool {
        let navigation = &self.navigation;
        let is_listed = navigation.screen == Screen::Processes
            && navigation.opened.is_none()
            && navigation.help.is_none();
        match action {
            Action::NextProcess => self.step(1),
            Action::PreviousProcess => self.step(self.asides.len()),
            Action::Open if is_listed => {
                let listed = self.listed(ours);
                if let Some(number) = listed.row().and_then(|row| row.key.parse().ok()) {
                    self.select(number);
                    let process = self.tape.shown();
                    self.navigation.act(
                        Action::Screen(Screen::Overview),
                        process,
                        process.clock.now_ns(ours),
                    );
                }
            }
            _ => return false,
        }
        true
    }

    /// Looks at all of them, now and then.
    pub(super) fn look_at_several(&mut self, ours: Duration) {
        let is_due = self.together.at.is_none_or(|at| ours.saturating_sub(at) >= PACE);
        if self.asides.is_empty() || !is_due {
            return;
        }
        for aside in &mut self.asides {
            aside.tape.settle();
            aside.switching.settle(aside.tape.newest());
        }
        self.tape.settle();
        let all = self.all();
        let rows = all.iter().map(|(number, process)| (number.to_string(), *process));
        let own = self.number.to_string();
        let processes = Rc::new(processes::table(rows, ours, |key| key == own));
        let culprits = if self.navigation.screen == Screen::Processes {
            processes::culprits(&all.iter().map(|(_, process)| *process).collect::<Vec<_>>())
        } else {
            Table::default()
        };
        let forgotten = self.together.forgotten;
        self.together = Together { processes, culprits, forgotten, at: Some(ours) };
        self.navigation.processes = Rc::clone(&self.together.processes);
    }

    /// Each with its number, in the order in which they came.
    fn all(&self) -> Vec<(usize, &Process)> {
        let asides = self.asides.iter().map(|aside| (aside.number, aside.tape.newest()));
        let mut all: Vec<_> = asides.chain([(self.number, self.tape.newest())]).collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// The latest of those that have ended and ran the same, unless another has taken its place.
    fn predecessor(&self, header: &Header) -> Option<(usize, &Process)> {
        let all = self.all();
        let alike = all.iter().filter(|(_, process)| is_alike(process.header(), header));
        let (ended, running): (Vec<_>, Vec<_>) = alike.partition(|(_, process)| process.conclusion.is_some());
        let end_ns =
            |process: &Process| process.header().started_unix_ns.saturating_add(process.history.last_at_ns());
        let is_free = |process: &Process| {
            let after = |other: &&&(usize, &Process)| other.1.header().started_unix_ns > end_ns(process);
            running.iter().find(after).is_none()
        };
        ended.into_iter().rev().find(|(_, process)| is_free(process)).copied()
    }

    fn step(&mut self, steps: usize) {
        let numbers = self.numbers();
        let at = numbers.iter().position(|&number| number == self.number).unwrap_or(0);
        self.select(numbers[(at + steps) % numbers.len()]);
    }

    /// Puts a process on the screen.
    fn select(&mut self, number: usize) {
        let Some(aside) = self.asides.iter_mut().find(|aside| aside.number == number) else { return };
        std::mem::swap(&mut self.number, &mut aside.number);
        std::mem::swap(&mut self.tape, &mut aside.tape);
        std::mem::swap(&mut self.switching, &mut aside.switching);
        self.together.at = None;
    }

    fn tape_of(&mut self, number: usize) -> Option<&mut Tape> {
        if number == self.number {
            return Some(&mut self.tape);
        }
        self.asides.iter_mut().find(|aside| aside.number == number).map(|aside| &mut aside.tape)
    }
}

impl Navigation {
    /// The list of a screen; that of the processes is about more than one.
    pub(super) fn table(&self, process: &Process, now_ns: u64) -> Rc<Table> {
        match self.screen {
            Screen::Processes => Rc::clone(&self.processes),
            screen => screen.table(process, now_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Key, Msg};
    use super::*;
    use crate::scenario::{Scenario, Watched};
    use crate::source::Ending;

    const NOW: Duration = Duration::from_secs(60);

    fn header(pid: u32, command: &str) -> Header {
        let started_unix_ns = u64::from(pid) * 1_000_000_000_000;
        Header {
            pid,
            exe: "/srv/shop-api".into(),
            command: vec![command.into()],
            started_unix_ns,
            ..Header::default()
        }
    }

    fn live(pid: u32) -> Origin {
        Origin::Live(format!("/run/{pid}.sock").into())
    }

    /// Processes of one program, with these pids; the first is on the screen.
    fn watched(pids: &[u32]) -> Watched {
        let mut model = Model::new(header(pids[0], "shop-api"), live(pids[0]));
        for (number, &pid) in pids.iter().enumerate().skip(1) {
            model.add(number, header(pid, "shop-api"), live(pid));
        }
        let mut watched = Watched { model, ours: NOW };
        settle(&mut watched);
        watched
    }

    fn settle(watched: &mut Watched) {
        watched.ours += PACE;
        watched.model.advance(watched.ours);
        watched.model.settle();
    }

    fn ends(watched: &mut Watched, number: usize) {
        watched.update(Msg::Source(number, Message::Ended(Ending::Abrupt)));
    }

    fn come(watched: &mut Watched, number: usize, pid: u32, command: &str) {
        watched.model.come(number, header(pid, command), live(pid), watched.ours);
        settle(watched);
    }

    fn shown(watched: &Watched) -> u32 {
        watched.model.process().header().pid
    }

    fn notice(watched: &Watched) -> &str {
        watched.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    #[test]
    fn p_goes_round_and_back() {
        let mut watched = watched(&[3, 5, 7]);
        let mut order = Vec::new();
        for key in ["p", "p", "p", "P", "P"].map(|key| Key::Char(key.chars().next().unwrap_or(' '))) {
            watched = watched.press(&[key]);
            order.push(shown(&watched));
        }
        assert_eq!(order, [5, 7, 3, 7, 5]);
    }

    #[test]
    fn each_message_goes_to_its_own_process() {
        let mut watched = watched(&[3, 5]);
        ends(&mut watched, 1);
        assert!(watched.model.process().conclusion.is_none());
        let watched = watched.press(&[Key::Char('p')]);
        assert!(watched.model.process().conclusion.is_some());
        assert!(watched.model.any_runs(), "the other does");
    }

    #[test]
    fn enter_shows_the_marked_one() {
        let watched = watched(&[3, 5, 7]).press(&[Key::Char('8'), Key::Down, Key::Down, Key::Enter]);
        assert_eq!((shown(&watched), watched.model.navigation.screen), (7, Screen::Overview));
    }

    #[test]
    fn one_that_is_started_again_takes_the_place_of_the_one_on_the_screen() {
        let mut watched = watched(&[3]);
        ends(&mut watched, 0);
        come(&mut watched, 1, 9, "shop-api");
        assert_eq!(shown(&watched), 9);
        assert_eq!(
            notice(&watched),
            "shop-api runs again, as pid 9: shown now; P goes back to the last state of pid 3"
        );
        let watched = watched.press(&[Key::Char('P')]);
        assert_eq!((shown(&watched), notice(&watched)), (3, ""), "the next key goes on");
    }

    #[test]
    fn who_looks_back_is_not_disturbed() {
        let mut watched = watched(&[3]).press(&[Key::Char(' ')]);
        ends(&mut watched, 0);
        come(&mut watched, 1, 9, "shop-api");
        assert_eq!(
            (shown(&watched), notice(&watched)),
            (3, "shop-api runs again, as pid 9 after pid 3: p shows it")
        );
    }

    #[test]
    fn another_program_takes_nobodys_place_and_each_place_is_taken_once() {
        let mut watched = watched(&[3, 4]);
        ends(&mut watched, 1);
        come(&mut watched, 2, 8, "shop-jobs");
        assert_eq!(notice(&watched), "shop-api runs as pid 8 too: p shows it");
        come(&mut watched, 3, 9, "shop-api");
        assert_eq!(notice(&watched), "shop-api runs again, as pid 9 after pid 4: p shows it");
        come(&mut watched, 4, 10, "shop-api");
        assert_eq!(notice(&watched), "shop-api runs as pid 10 too: p shows it");
        assert_eq!(shown(&watched), 3);
    }

    #[test]
    fn of_one_that_is_started_again_and_again_the_last_ends_are_kept() {
        let mut watched = watched(&[1]);
        let mut forgotten = Vec::new();
        for number in 0..20 {
            ends(&mut watched, number);
            come(&mut watched, number + 1, number as u32 + 2, "shop-api");
            forgotten.extend(watched.model.forget());
        }
        assert_eq!(forgotten, (0..12).collect::<Vec<_>>());
        assert_eq!((watched.model.numbers().len(), watched.model.together.forgotten), (KEPT + 1, 12));
        assert_eq!(shown(&watched), 21);
    }

    #[test]
    fn the_culprits_are_those_of_all() {
        let mut watched = Scenario::new().quiet(5).computes(1, 240).live();
        let first = watched.model.process().header().clone();
        watched.model.add(1, Header { pid: 9, ..first }, live(9));
        for line in Scenario::new().quiet(5).computes(1, 240).sleeps(2, 312).wakes(2).lines {
            watched.update(Msg::Source(1, Message::Line(Box::new(line), Vec::new())));
        }
        let mut watched = watched.press(&[Key::Char('8')]);
        settle(&mut watched);
        let told: Vec<_> = watched
            .model
            .together
            .culprits
            .rows
            .iter()
            .map(|row| row.cells[0].value.shown().into_owned() + " in " + &row.cells[5].value.shown())
            .collect();
        assert_eq!(told, ["src/report.rs:42 in 9", "src/password.rs:88 in all 2"]);
    }
}
