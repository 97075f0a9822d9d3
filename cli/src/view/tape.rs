//! The line that shows where on its tape a process is looked at.

use super::theme::Theme;
use crate::model::{Tape, clock_time};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// Below this height the lines are needed for other things.
const LOW: u16 = 12;

/// Takes the lowest line from what is drawn on, where there is something to show in it: of a recording always, of a live
/// process while it is looked back on.
pub(super) fn room(area: Rect, tape: &Tape, ours: Duration) -> (Rect, Option<Rect>) {
    let shown = tape.look(ours).is_some() || !tape.newest().is_live();
    if !shown || area.height < LOW {
        return (area, None);
    }
    let height = area.height - 1;
    (Rect { height, ..area }, Some(Rect { y: area.y + height, height: 1, ..area }))
}

/// From the first time that can be looked at to the newest: what has passed, the stalls, and where one is.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, tape: &Tape, ours: Duration) {
    let (from_ns, to_ns) = tape.span(ours);
    let time = |at_ns: u64| {
        let told = clock_time(tape.newest().header().started_unix_ns.saturating_add(at_ns));
        told.trim_end_matches(" UTC").to_owned()
    };
    let (from, to) = (format!(" {} ", time(from_ns)), format!(" {} ", time(to_ns)));
    let stalls = tape.stalls();
    let told = match stalls {
        0 => "no stall ".to_owned(),
        1 => "1 stall, [ ] jump ".to_owned(),
        many => format!("{many} stalls, [ ] jump "),
    };
    let room = usize::from(area.width);
    let taken = from.len() + to.len();
    // What the keys do gives way first, and then the stalls' number.
    let told = if room < taken + told.len() + 20 { String::new() } else { told };
    let width = room.saturating_sub(taken + told.len());
    let stalled = tape.stalled(width, ours);
    let at = tape
        .look(ours)
        .map_or(width.saturating_sub(1), |look| Tape::column(look.at_ns, (from_ns, to_ns), width));
    let mut spans = vec![Span::styled(from, theme.dim())];
    for (column, stalled) in stalled.into_iter().enumerate() {
        let style = if stalled { theme.bad() } else { theme.dim() };
        spans.push(match (column == at, stalled) {
            (true, true) => Span::styled("●", style.patch(theme.marked())),
            (true, false) => Span::styled("●", theme.strong()),
            (false, true) => Span::styled("┃", style),
            (false, false) => Span::styled(if column < at { "━" } else { "─" }, style),
        });
    }
    spans.push(Span::styled(to, theme.dim()));
    spans.push(Span::styled(told, theme.dim()));
    frame.render_widget(Line::from(spans), area);
}
