use super::list::{self, nothing, title};
use super::theme::Theme;
use super::{fit, runtimes, table};
use crate::model::{Listed, Process, Sign, Spots, Table, knows_schedule, none_to_show};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Why there is no wait from wake to poll.
pub(super) const SCHEDULE_CURE: &str =
    "not known: build the program with Stallscope's feature schedule-latency";
/// From this height on what the figures mean is explained below the table.
const ROOMY: u16 = 18;

/// Tasks by the line that spawned them.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
) -> Spots {
    let remark = match listed.table.total {
        1 => "1 spawn location".to_owned(),
        count => format!("{count} spawn locations"),
    };
    let mut room = title(frame, theme, area, "Tasks, by the line that spawned them", &remark);
    let width = usize::from(room.width);
    let mut head = runtimes::lines(theme, process, width);
    head.truncate(usize::from(room.height / 4));
    take(frame, &mut room, head);
    let lost = lost(theme, process, width);
    take(frame, &mut room, lost);
    if listed.table.total == 0 {
        let text = fit::wrap(none_to_show(process), width.saturating_sub(2));
        let text = text.iter().flat_map(|line| nothing(theme, line)).collect();
        list::lines(frame, theme, room, text, None);
        return Spots::default();
    }
    let mut notes = notes(theme, process, &listed.table, width);
    if room.height >= ROOMY {
        notes.truncate(usize::from(room.height / 4));
        let height = notes.len() as u16;
        room.height -= height;
        frame.render_widget(Paragraph::new(notes), Rect { y: room.bottom(), height, ..room });
    }
    table::draw(frame, theme, room, listed)
}

/// Draws lines at the top of what is left.
fn take(frame: &mut Frame<'_>, room: &mut Rect, lines: Vec<Line<'static>>) {
    let height = (lines.len() as u16).min(room.height);
    frame.render_widget(Paragraph::new(lines), Rect { height, ..*room });
    room.y += height;
    room.height -= height;
}

fn lost(theme: Theme, process: &Process, width: usize) -> Vec<Line<'static>> {
    let lost = process.history.lost().locations;
    if lost == 0 {
        return Vec::new();
    }
    let text = format!(
        "More lines spawn tasks than there is room to tell apart: {} spawns, polls and ends are in no row",
        fit::count(lost)
    );
    wrapped(&text, width, theme.bad())
}

/// What the signs mean, and what is not known and how to know it.
fn notes(theme: Theme, process: &Process, table: &Table, width: usize) -> Vec<Line<'static>> {
    let mut notes = Vec::new();
    let schedule = format!("wake to poll is {SCHEDULE_CURE}");
    if table.rows.iter().any(|row| row.sign == Sign::Accused) {
        notes.push("● a finding is about it: Enter opens it");
    }
    if table.rows.iter().any(|row| row.sign == Sign::Aside) {
        notes.push("◇ a call of spawn_blocking: tokio tells of these jobs only that they ended");
    }
    if !knows_schedule(process) {
        notes.push(schedule.as_str());
    }
    if process.history.estimated() {
        notes.push("poll times are estimated: in mode lean one poll in 64 is timed");
    }
    notes.iter().flat_map(|note| wrapped(note, width, theme.dim())).collect()
}

fn wrapped(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let lines = fit::wrap(text, width.saturating_sub(2)).into_iter();
    lines.map(|line| Line::styled(format!(" {line}"), style)).collect()
}
