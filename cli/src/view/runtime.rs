use super::facts::Facts;
use super::list::{lines, nothing, title};
use super::table;
use super::theme::Theme;
use crate::model::{Listed, Process, Spots};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Paragraph;

/// Characters of the two columns before the text, and around them.
const BESIDE: usize = 3 + 10 + 18 + 2;
/// Room for the whole text of the marked row.
const MOST: u16 = 6;

/// Queues, pool, settings, what is not seen, what was lost, and what watching costs; a text that is cut is told whole below.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
) -> Spots {
    let gaps = process.history.coverage().missing.len();
    let remark = if gaps == 0 { String::new() } else { format!("{gaps} not seen") };
    let mut room = title(frame, theme, area, "Runtime", &remark);
    if listed.table.total == 0 {
        lines(frame, theme, room, nothing(theme, "no state has come yet"), None);
        return Spots::default();
    }
    let text = listed.row().map(|row| row.cells[2].value.shown().into_owned()).unwrap_or_default();
    let cut = text.chars().count() + BESIDE > usize::from(room.width);
    if cut && room.height > 2 * MOST {
        let mut whole = Facts::new(theme, 2, usize::from(room.width));
        whole.add(" ", &text, Style::new());
        let height = (whole.lines.len() as u16).min(MOST);
        room.height -= height + 1;
        let below = Rect { y: room.bottom() + 1, height, ..room };
        frame.render_widget(Paragraph::new(whole.lines), below);
    }
    table::draw(frame, theme, room, listed)
}
