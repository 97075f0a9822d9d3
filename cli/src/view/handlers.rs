use super::fit;
use super::list::{Place, lines, nothing, title};
use super::theme::Theme;
use super::timeline;
use crate::model::{Latency, Process, Route, Shares};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use stallscope_wire::SlowRequest;
use stallscope_wire::duration::show;

/// Room for how many ended without a response, which is told when the pane fills the screen, and for all requests and the
/// longest one, when that is wide.
const DROPPED: usize = 8;
const TOTAL: usize = 7;
const MAX: usize = 7;
const WIDE: u16 = 100;
/// Room for the other columns.
const OTHERS: usize = 1 + 10 + 6 + 7 + 7 + 5 + 7 + 6 + 5;
/// Room for how long a slow request took and its status.
const SLOW: usize = 1 + 7 + 5;
/// The narrowest row of steps that tells anything.
const STEPS: usize = 16;

/// Which columns there are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    full: bool,
    wide: bool,
}

impl Columns {
    fn of(width: u16, full: bool) -> Self {
        let wide = full && width >= WIDE;
        let more = if full { DROPPED } else { 0 } + if wide { TOTAL + MAX } else { 0 };
        Self { name: usize::from(width).saturating_sub(OTHERS + more).max(8), full, wide }
    }
}

/// What the routes do, and in full the slowest requests.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process) {
    let remark =
        if place.full { "of the last minute" } else { "of the last minute; own, behind others, awaiting" };
    let room = title(frame, theme, place, "Handlers", remark);
    let routes = process.traffic.routes();
    if routes.is_empty() {
        let none = nothing(theme, "no request seen: handlers show with stallscope::http::Layer");
        return lines(frame, theme, room, none, None);
    }
    let slowest = process.traffic.slowest();
    let (mut room, below) = if place.full { split(room, routes.len(), slowest.len()) } else { (room, None) };
    let columns = Columns::of(room.width, place.full);
    if room.height > 1 {
        frame.render_widget(heads(theme, columns), Rect { height: 1, ..room });
        room.y += 1;
        room.height -= 1;
    }
    let rows = routes.iter().map(|route| line(theme, route, columns)).collect();
    lines(frame, theme, room, rows, place.marked());
    if let Some(below) = below {
        draw_slowest(frame, theme, Place { area: below, focused: false, ..place }, slowest);
    }
}

/// Room for the routes and for the slowest requests, of which the routes have what they need up to a half.
fn split(room: Rect, routes: usize, slowest: usize) -> (Rect, Option<Rect>) {
    if slowest == 0 || room.height < 6 {
        return (room, None);
    }
    let wanted = u16::try_from(routes + 2).unwrap_or(u16::MAX);
    let least = u16::try_from(slowest + 1).unwrap_or(u16::MAX);
    let above = wanted.min((room.height / 2).max(room.height.saturating_sub(least)));
    let below = Rect { y: room.y + above, height: room.height - above, ..room };
    (Rect { height: above, ..room }, Some(below))
}

fn heads(theme: Theme, columns: Columns) -> Line<'static> {
    let Columns { name, full, wide } = columns;
    let mut heads = format!(" {}{:>10}{:>6}", fit::column("route", name), "in flight", "req/s");
    if wide {
        heads += &format!("{:>TOTAL$}", "total");
    }
    heads += &format!("{:>7}{:>7}", "p50", "p99");
    if wide {
        heads += &format!("{:>MAX$}", "max");
    }
    heads += &format!("{:>5}{:>7}{:>6}{:>5}", "own", "behind", "await", "5xx");
    if full {
        heads += &format!("{:>DROPPED$}", "dropped");
    }
    Line::styled(heads, theme.dim())
}

fn line(theme: Theme, route: &Route, columns: Columns) -> Line<'static> {
    let Columns { name, full, wide } = columns;
    let latency = |pick: fn(&Latency) -> u64| {
        route.latency.as_ref().map_or_else(|| "–".to_owned(), |latency| show(pick(latency)).to_string())
    };
    let (p50, p99, max) = (latency(|l| l.p50_ns), latency(|l| l.p99_ns), latency(|l| l.max_ns));
    let share = |pick: fn(&Shares) -> u64| {
        route.shares.as_ref().map_or_else(|| "–".to_owned(), |shares| format!("{}%", pick(shares)))
    };
    let (own, behind, awaiting) = (share(|s| s.own), share(|s| s.behind), share(|s| s.awaiting));
    let loud = |is_loud: bool| if is_loud { theme.bad() } else { theme.dim() };
    let mut line = Line::from(vec![
        Span::raw(format!(" {}", fit::column(&route.name, name))),
        Span::raw(format!("{:>10}{:>6}", fit::count(route.in_flight), fit::rate(route.per_second))),
    ]);
    if wide {
        line.push_span(Span::raw(format!("{:>TOTAL$}", fit::count(route.total))));
    }
    line.push_span(Span::styled(format!("{p50:>7}"), theme.dim()));
    line.push_span(Span::styled(format!("{p99:>7}"), theme.strong()));
    if wide {
        line.push_span(Span::raw(format!("{max:>MAX$}")));
    }
    line.push_span(Span::raw(format!("{own:>5}")));
    // A tenth of the time behind others is worth a look at who blocks.
    let held_up = route.shares.is_some_and(|shares| shares.behind >= 10);
    line.push_span(Span::styled(
        format!("{behind:>7}"),
        if held_up { theme.warning() } else { Style::new() },
    ));
    line.push_span(Span::raw(format!("{awaiting:>6}")));
    line.push_span(Span::styled(format!("{:>5}", fit::count(route.failed)), loud(route.failed > 0)));
    if full {
        line.push_span(Span::styled(format!("{:>DROPPED$}", fit::count(route.dropped)), theme.dim()));
    }
    line
}

/// Each with what it did.
fn draw_slowest(frame: &mut Frame<'_>, theme: Theme, place: Place, slowest: &[SlowRequest]) {
    let room = title(frame, theme, place, "Slowest requests", timeline::LEGEND);
    let width = usize::from(room.width);
    let names = slowest.iter().map(|slow| named(slow).chars().count()).max().unwrap_or(0);
    let name = (names + 2).min(width.saturating_sub(SLOW + STEPS));
    let row = |slow: &SlowRequest| {
        let status = slow.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        let failed = slow.status.is_none_or(|status| status >= 500);
        let mut spans = vec![
            Span::styled(format!(" {:>7}", show(slow.took_ns).to_string()), theme.strong()),
            Span::styled(format!("{status:>5}"), if failed { theme.bad() } else { theme.dim() }),
            Span::raw(format!("  {}", fit::column(&named(slow), name.saturating_sub(1)))),
        ];
        spans.extend(timeline::spans(theme, slow, width.saturating_sub(SLOW + name + 2)));
        Line::from(spans)
    };
    lines(frame, theme, room, slowest.iter().map(row).collect(), None);
}

/// Its route, and its id where it has one.
fn named(slow: &SlowRequest) -> String {
    let id = slow.request.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    format!("{}{id}", slow.request.route)
}
