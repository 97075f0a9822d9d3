use super::TaskRow;
use std::cmp::Ordering;

/// A column of the table of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Column {
    Place,
    Name,
    #[default]
    Alive,
    Spawned,
    Finished,
    Polls,
    PollRate,
    Busy,
    BusyShare,
    PollMean,
    PollP99,
    PollMax,
    FirstMean,
    FirstMax,
    ScheduleMean,
    ScheduleMax,
    SelfWakes,
    Idle,
}

/// From left to right.
pub(crate) const COLUMNS: [Column; 18] = [
    Column::Place,
    Column::Name,
    Column::Alive,
    Column::Spawned,
    Column::Finished,
    Column::Polls,
    Column::PollRate,
    Column::Busy,
    Column::BusyShare,
    Column::PollMean,
    Column::PollP99,
    Column::PollMax,
    Column::FirstMean,
    Column::FirstMax,
    Column::ScheduleMean,
    Column::ScheduleMax,
    Column::SelfWakes,
    Column::Idle,
];

/// What the rows are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: Column,
    reversed: bool,
}

impl Order {
    /// By the next column, in its usual direction.
    pub(crate) fn next(self) -> Self {
        let at = COLUMNS.iter().position(|column| *column == self.by).unwrap_or(0);
        Self { by: COLUMNS[(at + 1) % COLUMNS.len()], reversed: false }
    }

    pub(crate) fn reverse(self) -> Self {
        Self { reversed: !self.reversed, ..self }
    }

    /// Whether the largest comes first: usual for numbers, and not for text.
    pub(crate) fn descends(self) -> bool {
        matches!(self.by, Column::Place | Column::Name) == self.reversed
    }

    /// Rows of which the figure is not known come last, whatever the direction; equal ones by what they keep busy, then by place.
    pub(super) fn compare(self, a: &TaskRow, b: &TaskRow) -> Ordering {
        let by_number = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) if self.descends() => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let by_text = |a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) if self.descends() => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let first = match self.by {
            Column::Place => by_text(Some(&a.place), Some(&b.place)),
            Column::Name => by_text(a.name.as_deref(), b.name.as_deref()),
            column => by_number(number(a, column), number(b, column)),
        };
        first.then_with(|| b.busy_ns.cmp(&a.busy_ns)).then_with(|| a.spawned_at.cmp(&b.spawned_at))
    }
}

fn number(row: &TaskRow, column: Column) -> Option<f64> {
    let whole = match column {
        Column::Place | Column::Name => None,
        Column::PollRate => return row.pace.map(|pace| pace.polls),
        Column::BusyShare => return row.pace.map(|pace| pace.busy),
        Column::Alive => row.alive,
        Column::Spawned => row.spawned,
        Column::Finished => row.finished,
        Column::Polls => row.polls,
        Column::Busy => row.busy_ns,
        Column::PollMean => row.poll_mean_ns,
        Column::PollP99 => row.poll_p99_ns,
        Column::PollMax => row.poll_max_ns,
        Column::FirstMean => row.first_mean_ns,
        Column::FirstMax => row.first_max_ns,
        Column::ScheduleMean => row.schedule_mean_ns,
        Column::ScheduleMax => row.schedule_max_ns,
        Column::SelfWakes => row.self_wakes,
        Column::Idle => row.idle_ns,
    };
    whole.map(|whole| whole as f64)
}
