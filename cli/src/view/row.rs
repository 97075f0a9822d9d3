use super::facts::Facts;
use super::list;
use super::theme::Theme;
use crate::model::{Listed, Row};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Paragraph;

/// All columns of one row, also those for which the list has no room; gives the room below.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, listed: &Listed, row: &Row) -> Rect {
    let columns = listed.table.columns;
    let title = row.cells.first().map_or(String::new(), |cell| cell.value.shown().into_owned());
    let room = list::title(frame, theme, area, &title, "Esc: back");
    let name = |at: usize| match columns[at].group {
        Some((group, _)) => format!("{group}, {}", columns[at].head),
        None => columns[at].head.to_owned(),
    };
    let label = (0..columns.len()).map(|at| name(at).chars().count()).max().unwrap_or(0) + 1;
    let mut facts = Facts::new(theme, label, usize::from(room.width));
    for (at, cell) in row.cells.iter().enumerate().filter(|(_, cell)| cell.value.is_known()) {
        facts.add(&name(at), &cell.value.shown(), Style::new());
    }
    let used = (facts.lines.len() as u16).min(room.height);
    frame.render_widget(Paragraph::new(facts.lines), room);
    Rect { y: room.y + used, height: room.height - used, ..room }
}
