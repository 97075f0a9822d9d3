use super::Closed;
use super::terminal::{Input, Session};
use crate::color::is_utf8;
use crate::command::list;
use crate::model::{Action, Key};
use crate::source::Found;
use crate::view::{Palette, Picker, Theme, draw_picker};
use std::io;
use std::time::Duration;

/// The signals that end a wait are looked for at this pace.
const PACE: Duration = Duration::from_millis(200);

/// Lets the user choose one of several processes.
pub(super) fn run(found: &[Found], color: bool) -> io::Result<Result<usize, Closed>> {
    let rows = found.iter().map(list::columns).collect();
    let mut picker = Picker { rows, heads: list::HEADS, cursor: 0 };
    let mut session = Session::open(color)?;
    loop {
        session
            .draw(|frame| draw_picker(frame, Theme::new(Palette::default(), color, !is_utf8()), &picker))?;
        let input = loop {
            if let Some(signal) = session.signal() {
                return Ok(Err(Closed::Signal(signal)));
            }
            if let Some(input) = session.input(PACE)? {
                break input;
            }
        };
        let Input::Key(key) = input else { continue };
        match choose(&mut picker, key) {
            Choice::Open => return Ok(Ok(picker.cursor)),
            Choice::None => return Ok(Err(Closed::Done)),
            Choice::Pending => {}
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Pending,
    Open,
    None,
}

fn choose(picker: &mut Picker, key: Key) -> Choice {
    let last = picker.rows.len().saturating_sub(1);
    match key.action() {
        Some(Action::Up) => picker.cursor = picker.cursor.saturating_sub(1),
        Some(Action::Down) => picker.cursor = (picker.cursor + 1).min(last),
        Some(Action::First | Action::PageUp) => picker.cursor = 0,
        Some(Action::Last | Action::PageDown) => picker.cursor = last,
        Some(Action::Open) => return Choice::Open,
        Some(Action::Quit | Action::Back) => return Choice::None,
        _ => {}
    }
    Choice::Pending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_open_and_leave() {
        let row = || std::array::from_fn(|_| String::new());
        let mut picker = Picker { rows: vec![row(), row()], heads: list::HEADS, cursor: 0 };
        for (key, cursor) in
            [(Key::Up, 0), (Key::Char('j'), 1), (Key::Down, 1), (Key::Home, 0), (Key::End, 1)]
        {
            assert_eq!(choose(&mut picker, key), Choice::Pending);
            assert_eq!(picker.cursor, cursor, "{key:?}");
        }
        assert_eq!(choose(&mut picker, Key::Enter), Choice::Open);
        assert_eq!(choose(&mut picker, Key::CtrlC), Choice::None);
        assert_eq!(choose(&mut picker, Key::Esc), Choice::None);
    }
}
