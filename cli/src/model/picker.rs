//! A choice of processes, while they come and go.

use super::key::{Action, Key};
use super::keymap::Keymap;
use super::process::Process;
use super::processes;
use super::table::{Listed, Listing};
use crate::source::{Message, Origin};
use stallscope_wire::Header;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// The processes that run, and those of them that the user wants.
#[derive(Debug, Default)]
pub(crate) struct Picker {
    /// Each with the number that its messages come under.
    processes: Vec<(usize, Process)>,
    listing: Listing,
    chosen: BTreeSet<String>,
    keys: Keymap,
}

/// What the user has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    Pending,
    /// These are to be watched, by their sockets.
    Watch(Vec<PathBuf>),
    /// None of them.
    Leave,
}

impl Picker {
    /// None is there yet.
    pub(crate) fn new(keys: Keymap) -> Self {
        Self { keys, ..Self::default() }
    }

    /// A process has come.
    pub(crate) fn add(&mut self, number: usize, header: Header, origin: Origin) {
        self.processes.push((number, Process::new(header, origin)));
    }

    /// Takes a message from a process. One that has ended is no longer there to be watched.
    pub(crate) fn take(&mut self, number: usize, message: Message, ours: Duration) {
        if let Some((_, process)) = self.processes.iter_mut().find(|(known, _)| *known == number) {
            process.take_message(message, ours);
        }
    }

    /// Brings the figures up to date; gives the numbers of those that have ended meanwhile.
    pub(crate) fn settle(&mut self) -> Vec<usize> {
        let ended: Vec<_> =
            self.processes.extract_if(.., |(_, process)| process.conclusion.is_some()).collect();
        for (_, process) in &mut self.processes {
            process.settle();
        }
        let keys: BTreeSet<_> = self.processes.iter().filter_map(|(_, process)| key(process)).collect();
        self.chosen.retain(|chosen| keys.contains(chosen));
        ended.into_iter().map(|(number, _)| number).collect()
    }

    /// The list, as the user wants it.
    pub(crate) fn listed(&self, ours: Duration) -> Listed {
        let processes = self.processes.iter().filter_map(|(_, process)| Some((key(process)?, process)));
        let table = processes::table(processes, ours, |key| self.chosen.contains(key));
        self.listing.arrange(Rc::new(table))
    }

    /// How many the user wants.
    pub(crate) fn chosen(&self) -> usize {
        self.chosen.len()
    }

    pub(crate) fn press(&mut self, pressed: Key, ours: Duration) -> Choice {
        let listed = self.listed(ours);
        let (marked, table) = (listed.marked, &listed.table);
        match self.keys.action(pressed) {
            Some(Action::Up) => self.listing.mark(&listed, marked.saturating_sub(1)),
            Some(Action::Down) => self.listing.mark(&listed, marked + 1),
            Some(Action::PageUp) => self.listing.mark(&listed, marked.saturating_sub(PAGE)),
            Some(Action::PageDown) => self.listing.mark(&listed, marked + PAGE),
            Some(Action::First) => self.listing.mark(&listed, 0),
            Some(Action::Last) => self.listing.mark(&listed, usize::MAX),
            Some(Action::Sort) => self.listing.sort(table),
            Some(Action::Reverse) => self.listing.reverse(table),
            Some(Action::Quit | Action::Back) => return Choice::Leave,
            Some(Action::Open) => return self.watch(&listed),
            _ if pressed == Key::Char(' ') => self.toggle(&listed),
            _ if pressed == Key::Char('a') => {
                self.chosen = table.rows.iter().map(|row| row.key.clone()).collect();
            }
            _ => {}
        }
        Choice::Pending
    }

    /// Wants the marked one, or no longer, and goes on to the next.
    fn toggle(&mut self, listed: &Listed) {
        let Some(row) = listed.row() else { return };
        if !self.chosen.remove(&row.key) {
            self.chosen.insert(row.key.clone());
        }
        self.listing.mark(listed, listed.marked + 1);
    }

    /// Those that are wanted, in the order of the list; else the marked one.
    fn watch(&self, listed: &Listed) -> Choice {
        let marked = listed.row().map(|row| PathBuf::from(&row.key));
        let wanted = listed.table.rows.iter().map(|row| &row.key).filter(|key| self.chosen.contains(*key));
        let chosen: Vec<_> = wanted.map(PathBuf::from).collect();
        match (chosen.is_empty(), marked) {
            (false, _) => Choice::Watch(chosen),
            (true, Some(marked)) => Choice::Watch(vec![marked]),
            (true, None) => Choice::Pending,
        }
    }
}

fn key(process: &Process) -> Option<String> {
    match &process.origin {
        Origin::Live(socket) => Some(socket.display().to_string()),
        Origin::Log(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Ending;

    const NOW: Duration = Duration::ZERO;

    fn of(pids: &[u32]) -> Picker {
        let mut picker = Picker::default();
        for &pid in pids {
            let header = Header { pid, exe: "/srv/shop-api".into(), ..Header::default() };
            picker.add(pid as usize, header, Origin::Live(format!("/run/{pid}.sock").into()));
        }
        picker.settle();
        picker
    }

    fn sockets(pids: &[u32]) -> Choice {
        Choice::Watch(pids.iter().map(|pid| format!("/run/{pid}.sock").into()).collect())
    }

    #[test]
    fn enter_takes_the_marked_one() {
        let mut picker = of(&[7, 9]);
        assert_eq!(picker.press(Key::Down, NOW), Choice::Pending);
        assert_eq!(picker.press(Key::Enter, NOW), sockets(&[9]));
        assert_eq!(picker.press(Key::Esc, NOW), Choice::Leave);
        assert_eq!(picker.press(Key::CtrlC, NOW), Choice::Leave);
        assert_eq!(of(&[]).press(Key::Enter, NOW), Choice::Pending, "there is none to be watched");
    }

    #[test]
    fn space_chooses_several_and_a_all() {
        let mut picker = of(&[3, 5, 7]);
        for key in [Key::Char(' '), Key::Char(' '), Key::Up, Key::Char(' ')] {
            picker.press(key, NOW);
        }
        assert_eq!(picker.press(Key::Enter, NOW), sockets(&[3]), "what was chosen twice is not");
        picker.press(Key::Char('a'), NOW);
        assert_eq!(picker.press(Key::Enter, NOW), sockets(&[3, 5, 7]));
        picker.press(Key::Char('s'), NOW);
        assert_eq!(picker.press(Key::Enter, NOW), sockets(&[7, 5, 3]), "as they are listed");
    }

    #[test]
    fn one_that_ends_is_no_longer_there_and_the_mark_stays_with_its_process() {
        let mut picker = of(&[3, 5, 7]);
        picker.press(Key::Char(' '), NOW);
        picker.press(Key::End, NOW);
        picker.take(3, Message::Ended(Ending::Orderly), NOW);
        assert_eq!(picker.settle(), [3]);
        assert_eq!((picker.chosen(), picker.listed(NOW).table.rows.len()), (0, 2));
        assert_eq!(picker.press(Key::Enter, NOW), sockets(&[7]));
    }
}
