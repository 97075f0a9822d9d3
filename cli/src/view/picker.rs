use super::list;
use super::processes::sentence;
use super::table;
use super::theme::Theme;
use crate::model::Picker;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// What the keys do, those that one needs most first.
const HINTS: [(&str, &str); 6] =
    [("Enter", "watch"), ("Space", "choose"), ("a", "all"), ("q", "quit"), ("s", "sort"), ("S", "reverse")];
/// Lines below the list: a gap, how the marked process is, and the keys.
const BELOW: u16 = 4;

/// Draws the choice.
pub(crate) fn draw_picker(frame: &mut Frame<'_>, theme: Theme, picker: &Picker, ours: Duration) {
    draw_choice(frame, theme, picker, ours);
    theme.finish(frame.buffer_mut());
}

fn draw_choice(frame: &mut Frame<'_>, theme: Theme, picker: &Picker, ours: Duration) {
    let area = frame.area();
    let title = match picker.chosen() {
        0 => "Which processes?".to_owned(),
        chosen => format!("Which processes? {chosen} chosen"),
    };
    let room = list::title(frame, theme, area, &title, "");
    if room.height < 3 {
        return;
    }
    frame.render_widget(hints(theme), Rect { y: room.y + room.height - 1, height: 1, ..room });
    let listed = picker.listed(ours);
    let below = if room.height > 2 * BELOW { BELOW } else { 1 };
    let above = Rect { height: room.height - below, ..room };
    if listed.table.rows.is_empty() {
        let none = list::nothing(theme, "none runs now; those that come are listed");
        return list::lines(frame, theme, above, none, None);
    }
    table::draw(frame, theme, above, &listed);
    if below == BELOW {
        sentence(frame, Rect { y: above.y + above.height + 1, height: BELOW - 2, ..room }, &listed);
    }
}

fn hints(theme: Theme) -> Line<'static> {
    let each = HINTS.iter().flat_map(|&(key, does)| {
        [Span::styled(format!(" {key}"), theme.strong()), Span::styled(format!(" {does}  "), theme.dim())]
    });
    Line::from(each.collect::<Vec<_>>())
}
