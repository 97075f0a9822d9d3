use crate::model::Key;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::style::force_color_output;
use ratatui::{DefaultTerminal, Frame};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long the screen may take to leave when a signal asks it to.
const PATIENCE: Duration = Duration::from_millis(500);

/// The terminal while a screen is drawn on it. However it is left (dropped, by a panic, by a signal), it is as it was before.
pub(super) struct Session {
    terminal: DefaultTerminal,
    held: Held,
}

/// What is to be undone; made before it is done, so that a terminal that was prepared in part is restored too.
struct Held {
    signal: Arc<AtomicUsize>,
    signals: Handle,
}

/// What a terminal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Key(Key),
    /// The screen has another size, or is visible again.
    Redraw,
}

impl Session {
    pub(super) fn open(color: bool) -> io::Result<Self> {
        // The terminal library looks at NO_COLOR too; whether to colour is decided, by what was said for this run.
        force_color_output(color);
        // Kept until the terminal is restored: a signal that ended us at once would leave it as it is.
        let held = Held::new()?;
        Ok(Self { terminal: ratatui::try_init()?, held })
    }

    /// The signal that asks us to end, if one came.
    pub(super) fn signal(&self) -> Option<u8> {
        u8::try_from(self.held.signal.load(Ordering::Relaxed)).ok().filter(|&signal| signal > 0)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(|_| ())
    }

    /// The next thing that the terminal says within a time, if it is one that means something.
    pub(super) fn input(&self, within: Duration) -> io::Result<Option<Input>> {
        let ready = match event::poll(within) {
            // A signal: the caller looks at it.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            ready => ready?,
        };
        Ok(if ready { meaning(&event::read()?) } else { None })
    }
}

impl Held {
    fn new() -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let held = Self { signal: Arc::default(), signals: signals.handle() };
        let (signal, handle) = (Arc::clone(&held.signal), signals.handle());
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for number in &mut signals {
                signal.store(number.unsigned_abs() as usize, Ordering::Relaxed);
                thread::sleep(PATIENCE);
                if !handle.is_closed() {
                    // The terminal library reads on for ever from a terminal that is gone.
                    let _ = ratatui::try_restore();
                    std::process::exit(128 + number);
                }
            }
        })?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A terminal that is gone cannot be restored, and needs not be.
        let _ = ratatui::try_restore();
        self.signals.close();
    }
}

fn meaning(event: &Event) -> Option<Input> {
    match event {
        Event::Key(pressed) if pressed.kind != KeyEventKind::Release => key(pressed).map(Input::Key),
        Event::Resize(..) | Event::FocusGained => Some(Input::Redraw),
        _ => None,
    }
}

fn key(pressed: &KeyEvent) -> Option<Key> {
    let held = pressed.modifiers;
    if held.contains(KeyModifiers::CONTROL) {
        return (pressed.code == KeyCode::Char('c')).then_some(Key::CtrlC);
    }
    Some(match pressed.code {
        KeyCode::Char(letter) if !held.contains(KeyModifiers::ALT) => Key::Char(letter),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left if held.contains(KeyModifiers::SHIFT) => Key::ShiftLeft,
        KeyCode::Left => Key::Left,
        KeyCode::Right if held.contains(KeyModifiers::SHIFT) => Key::ShiftRight,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Tab if held.contains(KeyModifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "../../../tests/terminal/mod.rs"]
#[expect(dead_code, reason = "the tests of the command use more of it")]
mod person;

#[cfg(test)]
mod tests {
    use super::person::Terminal;
    use super::*;
    use std::fs::OpenOptions;
    use std::process::Command;

    /// Runs one of the tests below that needs a terminal of its own on one, to its bad end.
    fn end(name: &str) -> Terminal {
        let terminal = Terminal::new();
        let mut test = Command::new(std::env::current_exe().expect("a path"));
        test.args([
            "--ignored",
            "--nocapture",
            "--exact",
            &format!("command::watch::terminal::tests::{name}"),
        ]);
        let mut child = terminal.spawn(&mut test);
        assert_eq!(child.wait().expect("it ends").code(), Some(101));
        terminal
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let mut terminal = end("panics");
        terminal.wait_for("\x1b[?1049h");
        terminal.wait_for("\x1b[?1049l");
        terminal.wait_for("this is what went wrong");
        assert!(!terminal.is_raw());
    }

    #[test]
    fn a_terminal_that_is_prepared_in_part_is_left_as_it_was() {
        let mut terminal = end("cannot_write");
        terminal.wait_for("refused: ");
        assert!(!terminal.is_raw());
    }

    #[test]
    #[ignore = "ends its process: the tests above run it, each on a terminal"]
    fn panics() {
        let _session = Session::open(false).expect("a terminal");
        panic!("this is what went wrong");
    }

    #[test]
    #[ignore = "ends its process: the tests above run it, each on a terminal"]
    fn cannot_write() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("it opens");
        rustix::stdio::dup2_stdout(full).expect("it takes its place");
        let refused = Session::open(false).err().expect("nothing can be written");
        panic!("refused: {refused}");
    }
}
