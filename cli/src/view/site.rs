use super::facts::Facts;
use super::histogram::Histogram;
use super::tasks::SCHEDULE_CURE;
use super::theme::Theme;
use super::{fit, list};
use crate::model::{Process, Site, TaskRow};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use stallscope_wire::Waits;
use stallscope_wire::duration::show;

/// Room for `Wake to poll`.
const LABEL: usize = 14;
/// The least height at which the histogram tells anything.
const BARS: u16 = 6;

/// All that is known of the tasks that one line spawned, what is found about them, and how long their polls took.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process, site: &Site<'_>) {
    let heading = format!("Tasks spawned at {}", site.row.place);
    let heading = fit::start(&heading, usize::from(area.width).saturating_sub(6)).into_owned();
    let room = list::title(frame, theme, area, &heading, "Esc: back");
    let facts = facts(theme, process, site, usize::from(room.width));
    let used = facts.len() as u16;
    let shown = if room.height >= used + BARS { used } else { used.min(room.height) };
    frame.render_widget(Paragraph::new(facts), Rect { height: shown, ..room });
    let below = Rect { y: room.y + shown, height: room.height - shown, ..room };
    if below.height < BARS || site.location.poll.count() == 0 {
        return;
    }
    let remark = "higher: more; both scales are logarithmic";
    let room = list::title(frame, theme, below, "How long its polls took", remark);
    frame.render_widget(Histogram { histogram: &site.location.poll, theme }, room);
}

fn facts(theme: Theme, process: &Process, site: &Site<'_>, width: usize) -> Vec<Line<'static>> {
    let (row, location) = (&site.row, site.location);
    let mut facts = Facts::new(theme, LABEL, width);
    for finding in &site.findings {
        facts.add(&finding.rule.to_string(), &finding.to_string(), theme.bad());
        if let Some(detail) = &finding.detail {
            facts.add("", detail, Style::new());
        }
        facts.add("  do", &finding.help, theme.strong());
    }
    if let Some(name) = &row.name {
        facts.add("Name", name, theme.strong());
    }
    if row.blocking {
        let ended = fit::count(location.finished);
        facts.add(
            "Jobs",
            &format!("{ended} ended; it calls spawn_blocking, and tokio tells no more of such jobs"),
            Style::new(),
        );
        return facts.lines;
    }
    facts.add("Tasks", &tasks(row), Style::new());
    facts.add("Polls", &polls(row), Style::new());
    facts.add("One poll", &one_poll(row, process.history.estimated()), Style::new());
    facts.add("To 1st poll", &waits(&location.first_poll, "none was seen"), Style::new());
    facts.add("Wake to poll", &waits(&location.schedule, SCHEDULE_CURE), Style::new());
    if location.self_wakes > 0 {
        let text = format!(
            "{} polls ended with the task awake already: it woke itself",
            fit::count(location.self_wakes)
        );
        facts.add("To self", &text, Style::new());
    }
    if let Some(idle_ns) = row.idle_ns {
        let idle = show(idle_ns / 1_000_000 * 1_000_000);
        facts.add("Idle", &format!("none of those alive has been polled for {idle}"), Style::new());
    }
    facts.lines
}

fn tasks(row: &TaskRow) -> String {
    let known = row.alive.zip(row.spawned).zip(row.finished);
    known.map_or_else(
        || {
            "none was spawned here: a root future, unless this process is of a version that counts no tasks"
                .to_owned()
        },
        |((alive, spawned), finished)| {
            format!(
                "{} alive; {} spawned, {} ended",
                fit::count(alive),
                fit::count(spawned),
                fit::count(finished)
            )
        },
    )
}

fn polls(row: &TaskRow) -> String {
    let mut text = format!("{}, busy {}", fit::count(row.polls.unwrap_or(0)), show(row.busy_ns.unwrap_or(0)));
    if let Some(pace) = row.pace {
        text +=
            &format!("; lately {}/s, busy for {:.1} % of a worker", fit::rate(pace.polls), pace.busy * 100.0);
    }
    text
}

fn one_poll(row: &TaskRow, estimated: bool) -> String {
    let figures = [("mean", row.poll_mean_ns), ("p99", row.poll_p99_ns), ("longest", row.poll_max_ns)];
    let told: Vec<_> =
        figures.iter().filter_map(|(name, ns)| ns.map(|ns| format!("{name} {}", show(ns)))).collect();
    match (told.is_empty(), estimated) {
        (true, _) => "none yet".to_owned(),
        (false, true) => told.join(", ") + "; estimated: in mode lean one poll in 64 is timed",
        (false, false) => told.join(", "),
    }
}

fn waits(waits: &Waits, unknown: &str) -> String {
    waits.mean_ns().map_or_else(
        || unknown.to_owned(),
        |mean_ns| {
            format!("mean {}, longest {}, of {}", show(mean_ns), show(waits.max_ns), fit::count(waits.count))
        },
    )
}
