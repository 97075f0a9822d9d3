use crate::model::{COLUMNS, Column, Order, Pace, TaskRow};
use crate::view::fit;
use crate::view::theme::Theme;
use ratatui::text::{Line, Span};
use stallscope_wire::duration::show;

/// Room for what stands before a row.
const SIGN: usize = 3;
/// The line that spawns is given at least this, and at most that.
const PLACE: (usize, usize) = (18, 48);
/// What stands for a figure that is not known.
const UNKNOWN: &str = "–";

/// Those that are shown first where there is no room for all. What is sorted by comes before them.
const NEEDED: [Column; 17] = [
    Column::Alive,
    Column::Busy,
    Column::PollMax,
    Column::Idle,
    Column::Spawned,
    Column::Polls,
    Column::FirstMax,
    Column::BusyShare,
    Column::PollP99,
    Column::ScheduleMax,
    Column::Finished,
    Column::Name,
    Column::PollRate,
    Column::PollMean,
    Column::FirstMean,
    Column::ScheduleMean,
    Column::SelfWakes,
];

/// The columns that fit, from left to right, with their widths.
pub(super) struct Columns {
    shown: Vec<(Column, usize)>,
    order: Order,
}

impl Columns {
    pub(super) fn of(width: usize, rows: &[TaskRow], order: Order) -> Self {
        let widest = rows.iter().map(|row| row.place.chars().count()).max().unwrap_or(0);
        // The figures are what the table is for.
        let most = PLACE.1.min(width * 2 / 5).max(PLACE.0);
        let place = (widest + 1).clamp(PLACE.0, most).min(width.saturating_sub(SIGN));
        let mut left = width.saturating_sub(SIGN + place);
        let mut chosen = vec![Column::Place];
        for column in std::iter::once(order.by).chain(NEEDED) {
            let taken = width_of(column);
            let told = |row: &TaskRow| match column {
                Column::Name => row.name.is_some() || row.blocking,
                Column::ScheduleMean | Column::ScheduleMax => row.schedule_max_ns.is_some(),
                _ => true,
            };
            let wanted = column == order.by || rows.iter().any(told);
            if wanted && taken <= left && !chosen.contains(&column) {
                left -= taken;
                chosen.push(column);
            }
        }
        let place = place + left.min((widest + 1).saturating_sub(place));
        let in_order = COLUMNS.into_iter().filter(|column| chosen.contains(column));
        let shown =
            in_order.map(|column| (column, if column == Column::Place { place } else { width_of(column) }));
        Self { shown: shown.collect(), order }
    }

    /// What several columns are about, and their names below it.
    pub(super) fn heads(&self, theme: Theme) -> Vec<Line<'static>> {
        let mut groups = " ".repeat(SIGN);
        for run in self.shown.chunk_by(|(a, _), (b, _)| group(*a).is_some() && group(*a) == group(*b)) {
            let width: usize = run.iter().map(|(_, width)| width).sum();
            let (long, short) = group(run[0].0).unwrap_or_default();
            groups += &format!("{:>width$}", if run.len() > 1 { long } else { short });
        }
        let mut names = vec![Span::raw(" ".repeat(SIGN))];
        for &(column, width) in &self.shown {
            let by = column == self.order.by;
            let arrow = match (by, self.order.descends()) {
                (false, _) => "",
                (true, true) => "▼",
                (true, false) => "▲",
            };
            let text = format!("{}{arrow}", name(column));
            let text = if is_text(column) { format!("{text:<width$}") } else { format!("{text:>width$}") };
            names.push(Span::styled(text, if by { theme.strong() } else { theme.dim() }));
        }
        vec![Line::styled(groups, theme.dim()), Line::from(names)]
    }

    pub(super) fn row(&self, theme: Theme, row: &TaskRow) -> Line<'static> {
        let sign = match (row.accused, row.blocking) {
            (true, _) => Span::styled(" ● ", theme.bad()),
            (false, true) => Span::styled(" ◇ ", theme.dim()),
            (false, false) => Span::raw("   "),
        };
        let cells = self.shown.iter().map(|&(column, width)| {
            let text = match column {
                Column::Place => fit::place(&row.place, width.saturating_sub(1)) + " ",
                Column::Name => fit::column(&cell(row, column), width - 1) + " ",
                _ => format!("{:>width$}", cell(row, column)),
            };
            let style = match column {
                Column::Place => theme.strong(),
                _ if text.trim() == UNKNOWN => theme.dim(),
                _ => ratatui::style::Style::new(),
            };
            Span::styled(text, style)
        });
        Line::from(std::iter::once(sign).chain(cells).collect::<Vec<_>>())
    }
}

fn is_text(column: Column) -> bool {
    matches!(column, Column::Place | Column::Name)
}

/// Room for a figure or the name with its arrow, and for a gap.
fn width_of(column: Column) -> usize {
    match column {
        Column::Place => PLACE.0,
        Column::Name => 15,
        Column::Spawned | Column::PollRate | Column::SelfWakes => 9,
        _ => 8,
    }
}

/// Where several of them stand together, and where one stands alone.
fn group(column: Column) -> Option<(&'static str, &'static str)> {
    Some(match column {
        Column::PollMean | Column::PollP99 | Column::PollMax => ("one poll", "a poll"),
        Column::FirstMean | Column::FirstMax => ("to first poll", "to 1st"),
        Column::ScheduleMean | Column::ScheduleMax => ("wake to poll", "wake to"),
        _ => return None,
    })
}

fn name(column: Column) -> &'static str {
    match column {
        Column::Place => "spawned at",
        Column::Name => "name",
        Column::Alive => "alive",
        Column::Spawned => "spawned",
        Column::Finished => "ended",
        Column::Polls => "polls",
        Column::PollRate => "polls/s",
        Column::Busy => "busy",
        Column::BusyShare => "busy %",
        Column::PollMean | Column::FirstMean | Column::ScheduleMean => "mean",
        Column::PollP99 => "p99",
        Column::PollMax | Column::FirstMax | Column::ScheduleMax => "max",
        Column::SelfWakes => "to self",
        Column::Idle => "idle",
    }
}

fn cell(row: &TaskRow, column: Column) -> String {
    let count = |count: Option<u64>| count.map(fit::count);
    let time = |ns: Option<u64>| ns.map(|ns| show(ns).to_string());
    let pace = |tell: fn(&Pace) -> String| row.pace.as_ref().map(tell);
    let text = match column {
        Column::Place => Some(row.place.clone()),
        Column::Name => {
            row.name.clone().or_else(|| Some(if row.blocking { "spawn_blocking" } else { "" }.to_owned()))
        }
        Column::Alive => count(row.alive),
        Column::Spawned => count(row.spawned),
        Column::Finished => count(row.finished),
        Column::Polls => count(row.polls),
        Column::PollRate => pace(|pace| fit::rate(pace.polls)),
        Column::Busy => time(row.busy_ns),
        Column::BusyShare => pace(|pace| format!("{:.1}", pace.busy * 100.0)),
        Column::PollMean => time(row.poll_mean_ns),
        Column::PollP99 => time(row.poll_p99_ns),
        Column::PollMax => time(row.poll_max_ns),
        Column::FirstMean => time(row.first_mean_ns),
        Column::FirstMax => time(row.first_max_ns),
        Column::ScheduleMean => time(row.schedule_mean_ns),
        Column::ScheduleMax => time(row.schedule_max_ns),
        Column::SelfWakes => count(row.self_wakes),
        Column::Idle => time(row.idle_ns.map(|ns| ns / 1_000_000 * 1_000_000)),
    };
    text.unwrap_or_else(|| UNKNOWN.to_owned())
}
