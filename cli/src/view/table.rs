mod columns;

use super::fit;
use super::list;
use super::theme::Theme;
use crate::model::{Area, Listed, Row, Sign, Spots, Table};
use columns::Columns;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Room for what stands before a row.
const SIGN: usize = 3;

/// Draws a list in which keys move, and tells what stands where.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, listed: &Listed) -> Spots {
    let Listed { table, order, filter, marked, first } = listed;
    let columns = Columns::of(usize::from(area.width), table, *order);
    let rows = heads(frame, theme, area, &columns);
    if table.rows.is_empty() {
        let none = if filter.is_empty() {
            format!("all {} are shorter than what is listed: - lists shorter ones too", table.total)
        } else {
            format!("none of {} has \"{filter}\": Esc shows all", table.total)
        };
        list::lines(
            frame,
            theme,
            rows,
            list::nothing(theme, &fit::end(&none, usize::from(area.width))),
            None,
        );
        return Spots::default();
    }
    let height = usize::from(rows.height);
    // As before, unless the mark would be out of sight or room left empty.
    let most = (*marked).min(table.rows.len().saturating_sub(height));
    let first = (*first).clamp((marked + 1).saturating_sub(height).min(most), most);
    list::lines(frame, theme, rows, lines(theme, &columns, table, first, height), Some(marked - first));
    let spot = Area { x: rows.x, y: rows.y, width: rows.width, height: rows.height };
    let shown = (table.rows.len() - first).min(height) as u16;
    Spots {
        rows: Area { height: shown, ..spot },
        first,
        heads: columns.spots(area.x, rows.y.saturating_sub(1)),
        ..Spots::default()
    }
}

/// Draws the beginning of a list in which nothing is marked.
pub(super) fn draw_beginning(frame: &mut Frame<'_>, theme: Theme, area: Rect, table: &Table) {
    let columns = Columns::of(usize::from(area.width), table, None);
    let rows = heads(frame, theme, area, &columns);
    list::lines(frame, theme, rows, lines(theme, &columns, table, 0, usize::from(rows.height)), None);
}

/// Draws the heads where there is room for them, and gives the room below.
fn heads(frame: &mut Frame<'_>, theme: Theme, area: Rect, columns: &Columns<'_>) -> Rect {
    let mut heads = columns.heads(theme);
    if usize::from(area.height) <= heads.len() + 1 {
        // Of two lines the lower tells.
        heads = heads.split_off(heads.len().saturating_sub(usize::from(area.height > 1)));
    }
    let height = heads.len() as u16;
    frame.render_widget(ratatui::widgets::Paragraph::new(heads), Rect { height, ..area });
    Rect { y: area.y + height, height: area.height - height, ..area }
}

fn lines(
    theme: Theme,
    columns: &Columns<'_>,
    table: &Table,
    first: usize,
    height: usize,
) -> Vec<Line<'static>> {
    table.rows.iter().skip(first).take(height).map(|row| columns.row(theme, row)).collect()
}

/// What a sign looks like.
fn sign(row: &Row) -> &'static str {
    match row.sign {
        Sign::Accused => " ● ",
        Sign::Aside => " ◇ ",
        Sign::Chosen => " ✓ ",
        Sign::None => "   ",
    }
}
