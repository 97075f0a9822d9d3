use super::fit;
use super::list;
use super::table;
use super::theme::Theme;
use crate::model::Picker;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::time::Duration;

/// Lines below the list: a gap, and how the marked process is.
const BELOW: u16 = 3;

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
    let room =
        list::title(frame, theme, area, &title, "Enter watch · Space choose · a all · s sort · q quit");
    if room.height < 3 {
        return;
    }
    let listed = picker.listed(ours);
    if listed.table.rows.is_empty() {
        let none = list::nothing(theme, "none runs now; those that come are listed");
        list::lines(frame, theme, room, none, None);
        return theme.finish(frame.buffer_mut());
    }
    let below = if room.height > 3 * BELOW { BELOW } else { 0 };
    table::draw(frame, theme, Rect { height: room.height - below, ..room }, &listed);
    if let Some(sentence) = picker.sentence(ours).filter(|_| below > 0) {
        let width = usize::from(room.width).saturating_sub(2);
        let lines = fit::wrap(&sentence, width).into_iter().take(2).map(|text| Line::raw(format!(" {text}")));
        let area = Rect { y: room.y + room.height - below + 1, height: below - 1, ..room };
        list::lines(frame, theme, area, lines.collect(), None);
    }
    theme.finish(frame.buffer_mut());
}
