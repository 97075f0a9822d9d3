use super::chart::Chart;
use super::list::title;
use super::theme::Theme;
use crate::model::{LagFigures, Process};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope_wire::duration::show;

/// Room for `p99 230us` and a gap.
const FIGURE: usize = 11;

/// What new work waits: figures, and the last minute drawn.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process, now_ns: u64) {
    let limit_ns = process.header().lag_limit_ns;
    let remark = if limit_ns > 0 { format!("limit {}", show(limit_ns)) } else { String::new() };
    let mut room = title(frame, theme, area, "Loop lag, last minute", &remark);
    if room.height == 0 {
        return;
    }
    let lag = &process.lag;
    let recent = figures(theme, lag.now_ns(), lag.last_minute(now_ns), limit_ns, room.width);
    frame.render_widget(recent, take(&mut room));
    let series = lag.series(now_ns);
    frame.render_widget(Chart { series: &series, limit_ns, theme }, room);
}

fn figures(
    theme: Theme,
    now_ns: Option<u64>,
    figures: Option<LagFigures>,
    limit_ns: u64,
    width: u16,
) -> Line<'static> {
    let Some(figures) = figures else {
        return Line::styled(" no probe has come back yet", theme.dim());
    };
    let all = [
        ("now", now_ns),
        ("p50", Some(figures.p50_ns)),
        ("p99", Some(figures.p99_ns)),
        ("max", Some(figures.max_ns)),
    ];
    let mut all: Vec<_> = all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    // Where there is no room for all, these tell least.
    for name in ["p50", "p99"] {
        if usize::from(width) < 1 + FIGURE * all.len() {
            all.retain(|(other, _)| *other != name);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (name, value) in all {
        let over = limit_ns > 0 && value > limit_ns;
        spans.push(Span::styled(format!("{name} "), theme.dim()));
        spans.push(Span::styled(
            format!("{:<7}", show(value)),
            if over { theme.bad() } else { theme.strong() },
        ));
    }
    Line::from(spans)
}

fn take(room: &mut Rect) -> Rect {
    let line = Rect { height: room.height.min(1), ..*room };
    room.y += line.height;
    room.height -= line.height;
    line
}
