use super::fit;
use super::list;
use super::table;
use super::theme::Theme;
use crate::model::{Listed, Model, Row, Sign, Spots, Tone};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Lines of a list below its title: heads and two rows.
const LEAST: u16 = 4;

/// All that are watched, and what did damage in any of them.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, model: &Model, listed: &Listed) -> Spots {
    let together = &model.together;
    let count = format!("{} processes", together.processes.rows.len());
    let title = match together.forgotten {
        0 => count,
        forgotten => format!("{count}, and {forgotten} that ended before"),
    };
    // The list takes what it needs, as far as the culprits keep some room.
    let rows = together.processes.rows.len() as u16 + 2;
    let below = if area.height >= rows.min(LEAST) + LEAST {
        LEAST.max(area.height.saturating_sub(rows + 1))
    } else {
        0
    };
    let above = Rect { height: area.height - below, ..area };
    let room = list::title(frame, theme, above, &title, "Enter shows it · p P next and previous");
    let spots = table::draw(frame, theme, room, listed);
    if below > 0 {
        let area = Rect { y: area.y + above.height, height: below, ..area };
        let room = list::title(frame, theme, area, "Culprits of all together", "");
        if together.culprits.rows.is_empty() {
            list::lines(frame, theme, room, list::nothing(theme, "none so far"), None);
        } else {
            table::draw_beginning(frame, theme, room, &together.culprits);
        }
    }
    spots
}

/// Where several are watched: which one the screen is about, and how each is. The one on the screen is always in sight.
pub(super) fn strip(theme: Theme, model: &Model, width: u16) -> Option<Line<'static>> {
    let rows = &model.together.processes.rows;
    if rows.len() < 2 {
        return None;
    }
    let at = rows.iter().position(|row| row.sign == Sign::Chosen).unwrap_or(0);
    let lead = format!(" {} of {} ", at + 1, rows.len());
    let room = usize::from(width).saturating_sub(lead.chars().count());
    let texts: Vec<_> = rows.iter().map(text).collect();
    let length = |from: usize| texts[from..=at].iter().map(|text| text.chars().count() + 1).sum::<usize>();
    let first = (0..at).find(|&from| length(from) <= room).unwrap_or(at);
    let mut spans = vec![Span::styled(lead, theme.strong())];
    let mut left = room;
    for (number, text) in texts.iter().enumerate().skip(first) {
        let text = fit::end(text, left).into_owned();
        left = left.saturating_sub(text.chars().count() + 1);
        let style = if number == at { theme.marked() } else { style(theme, &rows[number]) };
        spans.extend([Span::styled(text, style), Span::raw(" ")]);
        if left == 0 {
            break;
        }
    }
    Some(Line::from(spans))
}

/// Pid and health.
fn text(row: &Row) -> String {
    format!(" {} {} ", row.cells[0].value.shown(), row.cells[2].value.shown())
}

fn style(theme: Theme, row: &Row) -> Style {
    match row.cells[2].tone {
        Tone::Bad => theme.bad(),
        Tone::Warning => theme.warning(),
        _ => theme.dim(),
    }
}
