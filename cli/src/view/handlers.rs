use super::fit;
use super::list::{Place, lines, nothing, title};
use super::theme::Theme;
use crate::model::{Process, Route};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope_wire::duration::show;

/// Room for how many requests ended without a response, which is told when the pane fills the screen.
const DROPPED: usize = 9;

/// What the routes do.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process) {
    let mut room = title(frame, theme, place, "Handlers", "p50, p99 of the last minute");
    let routes = process.traffic.routes();
    if routes.is_empty() {
        let none = nothing(theme, "no request seen: handlers show with stallscope::http::Layer");
        return lines(frame, theme, room, none, None);
    }
    let name = room.width.saturating_sub(1 + 10 + 6 + 6 + 3 * 7 + 5).max(8);
    let name = usize::from(name).saturating_sub(if place.full { DROPPED } else { 0 });
    if room.height > 1 {
        let heads = format!(
            " {}{:>10}{:>6}{:>6}{:>7}{:>7}{:>7}{:>5}",
            fit::column("route", name),
            "in flight",
            "total",
            "req/s",
            "p50",
            "p99",
            "max",
            "5xx"
        );
        let heads = if place.full { format!("{heads}{:>DROPPED$}", "dropped") } else { heads };
        frame.render_widget(Line::styled(heads, theme.dim()), Rect { height: 1, ..room });
        room.y += 1;
        room.height -= 1;
    }
    let rows = routes.iter().map(|route| line(theme, route, name, place.full)).collect();
    lines(frame, theme, room, rows, place.marked());
}

fn line(theme: Theme, route: &Route, name: usize, full: bool) -> Line<'static> {
    let latency = |pick: fn(&crate::model::Latency) -> u64| {
        route.latency.as_ref().map_or_else(|| "–".to_owned(), |latency| show(pick(latency)).to_string())
    };
    let (p50, p99, max) = (latency(|l| l.p50_ns), latency(|l| l.p99_ns), latency(|l| l.max_ns));
    let mut line = Line::from(vec![
        Span::raw(format!(" {}", fit::column(&route.name, name))),
        Span::raw(format!(
            "{:>10}{:>6}{:>6}",
            fit::count(route.in_flight),
            fit::count(route.total),
            fit::rate(route.per_second)
        )),
        Span::styled(format!("{p50:>7}"), theme.dim()),
        Span::styled(format!("{p99:>7}"), theme.strong()),
        Span::raw(format!("{max:>7}")),
        Span::styled(
            format!("{:>5}", fit::count(route.failed)),
            if route.failed > 0 { theme.bad() } else { theme.dim() },
        ),
    ]);
    if full {
        line.push_span(Span::styled(format!("{:>DROPPED$}", fit::count(route.dropped)), theme.dim()));
    }
    line
}
