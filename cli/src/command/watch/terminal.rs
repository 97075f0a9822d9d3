use crate::model::{Gesture, Key, Mouse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ratatui::crossterm::event::{
    self, DisableMouseCapture, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton,
    MouseEventKind,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, enable_raw_mode};
use ratatui::{DefaultTerminal, Frame};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long the screen may take to leave when a signal asks it to.
const PATIENCE: Duration = Duration::from_millis(500);

/// The terminal while a screen is drawn on it. However it is left (dropped, by a panic, by a signal), it is as it was before.
pub(super) struct Session {
    terminal: DefaultTerminal,
    held: Held,
    mouse: bool,
}

/// What is to be undone; made before it is done, so that a terminal that was prepared in part is restored too.
struct Held {
    signal: Arc<AtomicUsize>,
    signals: Handle,
    /// Another program has the terminal.
    away: Arc<AtomicBool>,
}

/// What a terminal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Key(Key),
    Mouse(Mouse),
    /// The screen has another size, or is visible again.
    Redraw,
}

impl Session {
    /// `mouse`: what it does is an input too; the terminal then selects text with Shift held only.
    pub(super) fn open(color: bool, mouse: bool) -> io::Result<Self> {
        // The terminal library looks at NO_COLOR too; whether to colour is decided, by what was said for this run.
        force_color_output(color);
        // Kept until the terminal is restored: a signal that ended us at once would leave it as it is.
        let held = Held::new()?;
        let terminal = ratatui::try_init()?;
        if mouse {
            follow_mouse()?;
        }
        Ok(Self { terminal, held, mouse })
    }

    /// The signal that asks us to end, if one came.
    pub(super) fn signal(&self) -> Option<u8> {
        u8::try_from(self.held.signal.load(Ordering::Relaxed)).ok().filter(|&signal| signal > 0)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(|_| ())
    }

    /// Hands text to the clipboard of whoever sits at the terminal, wherever that is. Not every terminal takes it, and none says
    /// so.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        write!(out, "\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text))?;
        out.flush()
    }

    /// Leaves the terminal to something else, and takes it back when that has ended.
    pub(super) fn lend<T>(&mut self, to: impl FnOnce() -> T) -> io::Result<T> {
        self.held.away.store(true, Ordering::Relaxed);
        restore();
        let result = to();
        self.held.away.store(false, Ordering::Relaxed);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All))?;
        if self.mouse {
            follow_mouse()?;
        }
        // All is drawn anew; to clear by the library would ask the terminal where its cursor is, and not all answer.
        self.terminal.swap_buffers();
        Ok(result)
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
        let held = Self { signal: Arc::default(), signals: signals.handle(), away: Arc::default() };
        let (signal, handle, away) = (Arc::clone(&held.signal), signals.handle(), Arc::clone(&held.away));
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for number in &mut signals {
                if number == SIGINT && away.load(Ordering::Relaxed) {
                    // The key was meant for the other program.
                    continue;
                }
                signal.store(number.unsigned_abs() as usize, Ordering::Relaxed);
                thread::sleep(PATIENCE);
                if !handle.is_closed() {
                    // The terminal library reads on for ever from a terminal that is gone.
                    restore();
                    std::process::exit(128 + number);
                }
            }
        })?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        restore();
        self.signals.close();
    }
}

/// Clicks and the wheel are told, and not each move: the terminal library knows only how to ask for all.
fn follow_mouse() -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(b"\x1b[?1000h\x1b[?1006h")?;
    out.flush()
}

/// A terminal that is gone cannot be restored, and needs not be.
fn restore() {
    let _ = execute!(io::stdout(), DisableMouseCapture);
    let _ = ratatui::try_restore();
}

fn meaning(event: &Event) -> Option<Input> {
    match event {
        Event::Key(pressed) if pressed.kind != KeyEventKind::Release => key(pressed).map(Input::Key),
        Event::Mouse(mouse) => {
            let does = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Gesture::Click,
                MouseEventKind::ScrollUp => Gesture::WheelUp,
                MouseEventKind::ScrollDown => Gesture::WheelDown,
                _ => return None,
            };
            Some(Input::Mouse(Mouse { does, x: mouse.column, y: mouse.row }))
        }
        Event::Resize(..) | Event::FocusGained => Some(Input::Redraw),
        _ => None,
    }
}

fn key(pressed: &KeyEvent) -> Option<Key> {
    let held = pressed.modifiers;
    if held.contains(KeyModifiers::CONTROL) {
        return match pressed.code {
            KeyCode::Char('c') => Some(Key::CtrlC),
            KeyCode::Char('u') => Some(Key::CtrlU),
            KeyCode::Char('w') => Some(Key::CtrlW),
            // What the key Backspace sends on some terminals.
            KeyCode::Char('h') => Some(Key::Backspace),
            _ => None,
        };
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
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
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
        let _session = Session::open(false, true).expect("a terminal");
        panic!("this is what went wrong");
    }

    #[test]
    #[ignore = "ends its process: the tests above run it, each on a terminal"]
    fn cannot_write() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("it opens");
        rustix::stdio::dup2_stdout(full).expect("it takes its place");
        let refused = Session::open(false, true).err().expect("nothing can be written");
        panic!("refused: {refused}");
    }
}
