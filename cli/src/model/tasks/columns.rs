use super::{Pace, TaskRow};
use crate::model::navigation::Opened;
use crate::model::table::{Cell, Column, Cut, Row, Sign, Tone, Value};

const POLL: (&str, &str) = ("one poll", "a poll");
const FIRST: (&str, &str) = ("to first poll", "to 1st");
const SCHEDULE: (&str, &str) = ("wake to poll", "wake to");

/// From left to right.
pub(super) const COLUMNS: [Column; 18] = [
    Column::text("spawned_at", "spawned at", 0, Cut::Start, (18, 48)),
    Column::text("name", "name", 11, Cut::End, (14, 14)).if_known(),
    Column::figure("alive", "alive", 1, 8),
    Column::figure("spawned", "spawned", 5, 9),
    Column::figure("ended", "ended", 10, 8),
    Column::figure("polls", "polls", 5, 8),
    Column::figure("polls_per_second", "polls/s", 12, 9),
    Column::figure("busy_ns", "busy", 2, 8),
    Column::figure("busy_share", "busy %", 7, 8),
    Column::figure("poll_mean_ns", "mean", 13, 8).of(POLL.0, POLL.1),
    Column::figure("poll_p99_ns", "p99", 8, 8).of(POLL.0, POLL.1),
    Column::figure("poll_max_ns", "max", 3, 8).of(POLL.0, POLL.1),
    Column::figure("first_poll_mean_ns", "mean", 14, 8).of(FIRST.0, FIRST.1),
    Column::figure("first_poll_max_ns", "max", 6, 8).of(FIRST.0, FIRST.1),
    Column::figure("wake_to_poll_mean_ns", "mean", 15, 8).of(SCHEDULE.0, SCHEDULE.1).if_known(),
    Column::figure("wake_to_poll_max_ns", "max", 9, 8).of(SCHEDULE.0, SCHEDULE.1).if_known(),
    Column::figure("to_self", "to self", 16, 9),
    Column::figure("idle_ns", "idle", 4, 8),
];

/// The cells of one spawn location.
pub(super) fn row(row: TaskRow) -> Row {
    let pace = |tell: fn(&Pace) -> Value| row.pace.as_ref().map_or(Value::Unknown, tell);
    let name = if row.blocking { Some("spawn_blocking") } else { row.name.as_deref() };
    let values = [
        Value::Unknown,
        name.map_or(Value::Unknown, Value::text),
        Value::count(row.alive),
        Value::count(row.spawned),
        Value::count(row.finished),
        Value::count(row.polls),
        pace(|pace| Value::Rate(pace.polls)),
        Value::time(row.busy_ns),
        pace(|pace| Value::Share(pace.busy)),
        Value::time(row.poll_mean_ns),
        Value::time(row.poll_p99_ns),
        Value::time(row.poll_max_ns),
        Value::time(row.first_mean_ns),
        Value::time(row.first_max_ns),
        Value::time(row.schedule_mean_ns),
        Value::time(row.schedule_max_ns),
        Value::count(row.self_wakes),
        Value::time(row.idle_ns.map(|ns| ns / 1_000_000 * 1_000_000)),
    ];
    let mut cells: Vec<Cell> = values.into_iter().map(Cell::from).collect();
    let sign = match (row.accused, row.blocking) {
        (true, _) => Sign::Accused,
        (false, true) => Sign::Aside,
        (false, false) => Sign::None,
    };
    cells[0] = Cell::from(Value::Text(row.place)).tone(Tone::Strong);
    Row { opens: Opened::Site(row.spawned_at.clone()), key: row.spawned_at, sign, cells, lasted_ns: None }
}
