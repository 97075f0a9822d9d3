use super::fit;
use super::histogram::Histogram;
use super::list::{lines, nothing, title};
use super::theme::Theme;
use super::{row, table, timeline};
use crate::model::{Listed, Process, Row, Screen, Spots};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope_wire::SlowRequest;
use stallscope_wire::duration::show;

/// Room for how long a slow request took and its status.
const SLOW: usize = 1 + 7 + 5;
/// The narrowest row of steps that tells anything.
const STEPS: usize = 16;
/// The least height at which the histogram tells anything, with its rule.
const BARS: u16 = 7;
const NONE: &str = "no request seen: handlers show with stallscope::http::Layer";

/// What the routes do, and the slowest requests.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
) -> Spots {
    let room = title(frame, theme, area, "Handlers", "of the last minute");
    if listed.table.total == 0 {
        lines(frame, theme, room, nothing(theme, NONE), None);
        return Spots::default();
    }
    let slowest = process.traffic.slowest();
    let (room, below) = split(room, listed.table.rows.len(), slowest.len());
    if let Some(below) = below {
        draw_slowest(frame, theme, below, slowest);
    }
    table::draw(frame, theme, room, listed)
}

/// One route: its figures, its slowest requests, and how long it took to answer.
pub(super) fn draw_route(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
    row: &Row,
) {
    let mut below = row::draw(frame, theme, area, listed, row);
    let of_it = |slow: &&SlowRequest| slow.request.route == row.key;
    let slowest: Vec<_> = process.traffic.slowest().iter().filter(of_it).cloned().collect();
    if !slowest.is_empty() && below.height > 2 {
        let height = (slowest.len() as u16 + 2).min(below.height - 1);
        let area = Rect { y: below.y + 1, height: height - 1, ..below };
        draw_slowest(frame, theme, area, &slowest);
        below = Rect { y: below.y + height, height: below.height - height, ..below };
    }
    if let Some(histogram) = process.traffic.latency_of(&row.key).filter(|_| below.height > BARS) {
        let area = Rect { y: below.y + 1, height: below.height - 1, ..below };
        let remark = "since the start; both scales are logarithmic";
        let room = title(frame, theme, area, "How long it took to answer", remark);
        frame.render_widget(Histogram { histogram, theme }, room);
    }
}

/// What the slowest routes do.
pub(super) fn draw_pane(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process) {
    let room = title(frame, theme, area, "Handlers", "of the last minute; own, behind others, awaiting");
    let routes = Screen::Handlers.table(process, 0);
    match routes.rows.is_empty() {
        true => lines(frame, theme, room, nothing(theme, NONE), None),
        false => table::draw_beginning(frame, theme, room, &routes),
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

/// Each with what it did.
fn draw_slowest(frame: &mut Frame<'_>, theme: Theme, area: Rect, slowest: &[SlowRequest]) {
    let room = title(frame, theme, area, "Slowest requests", timeline::LEGEND);
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
