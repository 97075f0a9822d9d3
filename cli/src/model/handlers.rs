use super::process::Process;
use super::table::{Cell, Column, Cut, Row, Table, Tone, Value};
use super::traffic::{Latency, Route, Shares};

/// From this share on, the time behind others is worth a look at who blocks.
const HELD_UP: u64 = 10;

const COLUMNS: [Column; 12] = [
    Column::text("route", "route", 0, Cut::End, (12, 60)),
    Column::figure("in_flight", "in flight", 2, 10),
    Column::figure("per_second", "req/s", 1, 6),
    Column::figure("total", "total", 5, 7),
    Column::figure("p50_ns", "p50", 3, 7),
    Column::figure("p99_ns", "p99", 1, 7),
    Column::figure("max_ns", "max", 5, 7),
    Column::figure("own_share", "own", 2, 6),
    Column::figure("behind_share", "behind", 1, 7),
    Column::figure("awaiting_share", "await", 2, 6),
    Column::figure("failed", "5xx", 2, 5),
    Column::figure("dropped", "dropped", 4, 8),
];

/// All routes: first the one with the longest response, an order that changes seldom.
pub(super) fn table(process: &Process) -> Table {
    Table::new(&COLUMNS, None, process.traffic.routes().iter().map(row).collect())
}

fn row(route: &Route) -> Row {
    let latency = |pick: fn(&Latency) -> u64| Value::time(route.latency.as_ref().map(pick));
    let share = |pick: fn(&Shares) -> u64| {
        let percent = route.shares.as_ref().map(pick);
        percent.map_or(Value::Unknown, |percent| Value::Words(format!("{percent}%"), percent as f64 / 100.0))
    };
    let held_up = route.shares.is_some_and(|shares| shares.behind >= HELD_UP);
    let cells = vec![
        Value::Text(route.name.clone()).into(),
        Value::Count(route.in_flight).into(),
        Value::Rate(route.per_second).into(),
        Value::Count(route.total).into(),
        Cell::from(latency(|latency| latency.p50_ns)).tone(Tone::Dim),
        Cell::from(latency(|latency| latency.p99_ns)).tone(Tone::Strong),
        latency(|latency| latency.max_ns).into(),
        share(|shares| shares.own).into(),
        Cell::from(share(|shares| shares.behind)).tone(if held_up { Tone::Warning } else { Tone::Plain }),
        share(|shares| shares.awaiting).into(),
        Cell::from(Value::Count(route.failed)).tone(if route.failed > 0 { Tone::Bad } else { Tone::Dim }),
        Cell::from(Value::Count(route.dropped)).tone(Tone::Dim),
    ];
    Row::new(route.name.clone(), cells)
}
