use super::fit;
use super::list;
use super::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A choice of processes.
#[derive(Debug)]
pub(crate) struct Picker {
    /// A row each, its columns.
    pub(crate) rows: Vec<[String; 6]>,
    pub(crate) heads: [&'static str; 6],
    pub(crate) cursor: usize,
}

/// Draws the choice.
pub(crate) fn draw_picker(frame: &mut Frame<'_>, theme: Theme, picker: &Picker) {
    let area = frame.area();
    let mut room = list::title(frame, theme, area, "Which process?", "↑↓ move, Enter watch, q quit");
    if room.height < 3 {
        return;
    }
    let rows = || picker.rows.iter().map(|row| row.iter().map(String::as_str).collect::<Vec<_>>());
    let widths: Vec<_> = picker
        .heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            rows().map(|row| row[column].chars().count()).max().unwrap_or(0).max(head.chars().count())
        })
        .collect();
    let line = |cells: &[&str]| {
        cells
            .iter()
            .zip(&widths)
            .fold(String::from(" "), |line, (cell, width)| line + &fit::column(cell, *width) + "  ")
    };
    frame.render_widget(Line::styled(line(&picker.heads), theme.dim()), Rect { height: 1, ..room });
    room.y += 1;
    room.height -= 1;
    let lines = rows().map(|row| Line::from(Span::raw(line(&row)))).collect();
    list::lines(frame, theme, room, lines, Some(picker.cursor));
    theme.finish(frame.buffer_mut());
}
