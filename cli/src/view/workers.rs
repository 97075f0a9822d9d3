use super::list::{lines, nothing, title};
use super::theme::Theme;
use super::{fit, runtimes, strip, table};
use crate::model::{Doing, Level, Listed, Process, STRIP, Spots, Strip, WorkerRow, workers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use stallscope_wire::duration::show;

/// Room for `BLOCKED` and `polling`, and for a duration.
const STATE: usize = 8;
const DURATION: usize = 6;
/// A strip of fewer seconds tells too little.
const LEAST_STRIP: usize = 12;

/// Each worker, and what it has done.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
    now_ns: u64,
) -> Spots {
    let mut room = title(frame, theme, area, "Workers", &remark(&workers(process, now_ns)));
    if listed.table.total == 0 {
        lines(frame, theme, room, nothing(theme, none(process)), None);
        return Spots::default();
    }
    let strips = workers(process, now_ns);
    // All of them, or none: those in the list are shorter.
    let wanted = strips.len() + 4;
    if usize::from(room.height) > wanted + strips.len() && usize::from(room.width) > STRIP + 8 {
        // Below the list, which has its heads and a gap.
        let listed = (listed.table.rows.len() as u16 + 2).min(room.height - wanted as u16);
        let below = Rect { y: room.y + listed, height: wanted as u16, ..room };
        room.height = listed;
        draw_minute(frame, theme, below, &strips);
    } else if room.height > 4 {
        room.height -= 1;
        let below = Rect { y: room.bottom(), height: 1, ..room };
        frame.render_widget(legend(theme, below.width), below);
    }
    table::draw(frame, theme, room, listed)
}

/// The last minute of each, one below the other.
fn draw_minute(frame: &mut Frame<'_>, theme: Theme, area: Rect, workers: &[WorkerRow]) {
    let room = title(frame, theme, area, "Last minute, second by second", "");
    let name = workers.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let name = name.min(usize::from(room.width).saturating_sub(STRIP + 5));
    let mut shown: Vec<_> = workers
        .iter()
        .map(|row| {
            let mut spans = vec![Span::raw(format!("   {}  ", fit::column(&row.name, name)))];
            let signs = row.strip.as_ref().map_or_else(|| " ".repeat(STRIP), Strip::signs);
            spans.extend(strip::spans(theme, &signs));
            Line::from(spans)
        })
        .collect();
    let axis = format!("{:<AXIS$}{:<AXIS$}{:>AXIS$}", "60s ago", "", "now", AXIS = STRIP / 3);
    shown.push(Line::styled(format!("   {:name$}  {axis}", ""), theme.dim()));
    shown.push(Line::default());
    shown.push(legend(theme, room.width));
    lines(frame, theme, room, shown, None);
}

/// What the signs of a strip mean.
fn legend(theme: Theme, width: u16) -> Line<'static> {
    let long = usize::from(width) > strip::LEGEND.chars().count() + 3;
    let mut spans = vec![Span::raw("   ")];
    spans.extend(strip::spans(theme, if long { strip::LEGEND } else { strip::SHORT_LEGEND }));
    Line::from(spans)
}

fn none(process: &Process) -> &'static str {
    if process.conclusion.is_some() { "none ran at the end" } else { "none seen yet" }
}

/// What each worker does now.
pub(super) fn draw_pane(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process, now_ns: u64) {
    let mut rows = workers(process, now_ns);
    let mut room = title(frame, theme, area, "Workers", &remark(&rows));
    if rows.len() > usize::from(room.height) {
        // Not all fit: those that are looked for come first.
        rows.sort_by_key(|row| row.doing.rank());
    }
    let figures = runtimes::lines(theme, process, usize::from(room.width));
    let (used, wanted) = (rows.len().max(1) + 1, figures.len());
    if usize::from(room.height) >= used + wanted {
        let y = room.bottom() - wanted as u16;
        frame.render_widget(Paragraph::new(figures), Rect { y, height: wanted as u16, ..room });
        room.height -= wanted as u16;
    }
    let name = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).min(16);
    let width = usize::from(room.width);
    let shown = match rows.is_empty() {
        true => nothing(theme, none(process)),
        false => {
            rows.iter().take(usize::from(room.height)).map(|row| line(theme, row, name, width)).collect()
        }
    };
    lines(frame, theme, room, shown, None);
}

/// How many do what.
fn remark(rows: &[WorkerRow]) -> String {
    let count = |rank: u8| rows.iter().filter(|row| row.doing.rank() == rank).count();
    let told = [(count(0), "blocked"), (count(1), "polling"), (count(2), "parked")];
    let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join(", ")
}

fn line(theme: Theme, row: &WorkerRow, name: usize, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(format!(" {} ", fit::column(&row.name, name)))];
    let room = width.saturating_sub(name + 2 + STATE + DURATION + 2);
    match &row.doing {
        Doing::Parked => {
            spans.push(Span::styled(format!("{:<STATE$}", "parked"), theme.dim()));
            spans.push(Span::raw(" ".repeat(DURATION + 2)));
        }
        Doing::Polling { spawned_at, for_ns } => {
            spans.push(Span::raw(format!("{:<STATE$}", "polling")));
            spans.push(Span::styled(format!("{:>DURATION$}  ", show(*for_ns)), theme.dim()));
            let what = spawned_at.as_deref().unwrap_or("no task that is known");
            spans.push(Span::styled(fit::start(what, room).into_owned(), theme.dim()));
        }
        Doing::Blocked { for_ns, culprit, why } => {
            spans.push(Span::styled(format!("{:<STATE$}", "BLOCKED"), theme.badge(Level::Bad)));
            spans.push(Span::styled(format!("{:>DURATION$}  ", show(*for_ns)), theme.bad()));
            let culprit = fit::start(culprit, room);
            let left = room.saturating_sub(culprit.chars().count() + 2);
            spans.push(Span::styled(culprit.into_owned(), theme.strong()));
            if left >= 8 {
                spans.push(Span::raw(format!("  {}", fit::end(why, left))));
            }
        }
    }
    if let Some(strip) = &row.strip {
        let used: usize = spans.iter().map(Span::width).sum();
        let left = width.saturating_sub(used + 3).min(STRIP);
        if left >= LEAST_STRIP {
            let signs: String = strip.signs().chars().skip(STRIP - left).collect();
            spans.push(Span::raw(" ".repeat(width - used - left - 1)));
            spans.extend(strip::spans(theme, &signs));
        }
    }
    Line::from(spans)
}
