use super::chart::Chart;
use super::list::{Place, title};
use super::theme::Theme;
use crate::model::{LagFigures, Process};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope_wire::duration::show;

/// What new work waits: figures, and the last minute drawn.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process, now_ns: u64) {
    let limit_ns = process.header().lag_limit_ns;
    let remark = if limit_ns > 0 { format!("limit {}", show(limit_ns)) } else { String::new() };
    let mut room = title(frame, theme, place, "Loop lag, last minute", &remark);
    if room.height == 0 {
        return;
    }
    let lag = &process.lag;
    let recent = figures(theme, "", lag.now_ns(), lag.last_minute(now_ns), limit_ns);
    frame.render_widget(recent, take(&mut room));
    if place.full {
        frame
            .render_widget(figures(theme, "since the start: ", None, lag.whole(), limit_ns), take(&mut room));
        take(&mut room);
    }
    let series = lag.series(now_ns);
    frame.render_widget(Chart { series: &series, limit_ns, theme }, room);
}

fn figures(
    theme: Theme,
    of: &str,
    now_ns: Option<u64>,
    figures: Option<LagFigures>,
    limit_ns: u64,
) -> Line<'static> {
    let Some(figures) = figures else {
        return Line::styled(" no probe has come back yet", theme.dim());
    };
    let mut spans = vec![Span::styled(format!(" {of}"), theme.dim())];
    let mut figure = |name: &str, value: u64| {
        let over = limit_ns > 0 && value > limit_ns;
        spans.push(Span::styled(format!("{name} "), theme.dim()));
        spans.push(Span::styled(
            format!("{:<7}", show(value)),
            if over { theme.bad() } else { theme.strong() },
        ));
    };
    if let Some(now_ns) = now_ns {
        figure("now", now_ns);
    }
    figure("p50", figures.p50_ns);
    figure("p99", figures.p99_ns);
    figure("max", figures.max_ns);
    Line::from(spans)
}

fn take(room: &mut Rect) -> Rect {
    let line = Rect { height: room.height.min(1), ..*room };
    room.y += line.height;
    room.height -= line.height;
    line
}
