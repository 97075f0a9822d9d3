use super::fit;
use super::theme::Theme;
use crate::model::{Health, Look, Part, Process, clock_time};
use crate::source::process_name;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use stallscope_wire::duration::show;
use stallscope_wire::{Mode, Tier};

/// Who is watched, and whether the screen stands still.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    now_ns: u64,
    look: Option<Look>,
) {
    let header = process.header();
    let (state, style) = match look {
        Some(look) => (looked_at(process, look), theme.marked().patch(theme.warning())),
        None if process.conclusion.is_some() => (" last state ".to_owned(), theme.marked()),
        None if process.is_live() => (" live ● ".to_owned(), theme.good()),
        None => (" reading ".to_owned(), theme.dim()),
    };
    let room = usize::from(area.width).saturating_sub(state.chars().count());
    let mut about = vec![
        format!("pid {}", header.pid),
        tier(header.tier, process.history.mode()),
        format!("up {}", show(now_ns / 1_000_000_000 * 1_000_000_000)),
    ];
    if let Some(snapshot) = process.history.snapshot().filter(|snapshot| !snapshot.runtimes.is_empty()) {
        let tasks = snapshot.runtimes.iter().map(|runtime| runtime.alive_tasks).sum();
        about.push(fit::counted(snapshot.worker_count() as u64, "worker"));
        about.push(fit::counted(tasks, "task"));
    }
    let name = process_name(header);
    let about =
        fit::column(&format!("  {}", about.join(" · ")), room.saturating_sub(name.chars().count() + 1));
    let line = Line::from(vec![
        Span::raw(" "),
        Span::styled(fit::end(&name, room.saturating_sub(1)).into_owned(), theme.strong()),
        Span::styled(about, theme.dim()),
        Span::styled(state, style),
    ]);
    frame.render_widget(line, area);
}

/// Which time it is that is looked at, and how far that lies back.
fn looked_at(process: &Process, look: Look) -> String {
    let at = clock_time(process.header().started_unix_ns.saturating_add(look.at_ns));
    let behind = look.behind_ns / 100_000_000 * 100_000_000;
    let behind = if behind < 10_000_000_000 { behind } else { behind / 1_000_000_000 * 1_000_000_000 };
    let end = if process.is_live() { "behind live" } else { "before the end" };
    let doing = look.speed.map_or_else(|| "PAUSED".to_owned(), |speed| format!("PLAYING {speed}"));
    format!(" {doing} {at}, {} {end} ", show(behind))
}

fn tier(tier: Tier, mode: Mode) -> String {
    if mode == Mode::Full { tier.to_string() } else { format!("{tier}, {mode}") }
}

/// The one sentence, its word before it. Its lines stand below each other, unless it is too long for that.
pub(super) fn draw_health(frame: &mut Frame<'_>, theme: Theme, area: Rect, health: &Health) {
    let badge = format!(" {} ", health.word);
    let mut letters = Vec::new();
    for part in &health.sentence {
        let (text, style) = match part {
            Part::Plain(text) => (text, Style::new()),
            Part::Strong(text) => (text, theme.level(health.level).patch(theme.strong())),
        };
        letters.extend(text.chars().map(|letter| (letter, style)));
    }
    let sentence: String = letters.iter().map(|(letter, _)| letter).collect();
    let lead = badge.chars().count();
    let room = usize::from(area.width).saturating_sub(2);
    let below = fit::wrap(&sentence, room.saturating_sub(lead));
    let (indent, texts) = if below.len() <= usize::from(area.height) {
        (lead, below)
    } else {
        // A word as long as the badge keeps its place free.
        let placed = fit::wrap(&format!("{} {sentence}", "x".repeat(lead)), room);
        let first = placed.first().map_or("", |first| first.get(lead + 1..).unwrap_or_default()).to_owned();
        (0, std::iter::once(first).chain(placed.into_iter().skip(1)).collect())
    };
    let mut lines = Vec::new();
    let mut rest = &letters[..];
    for (number, text) in texts.iter().enumerate() {
        let lead = if number == 0 {
            Span::styled(badge.clone(), theme.badge(health.level))
        } else {
            Span::raw(" ".repeat(indent))
        };
        let mut spans = vec![Span::raw(" "), lead, Span::raw(" ")];
        // The wrapped lines are the sentence without the spaces between them.
        let begin = rest.iter().position(|(letter, _)| *letter != ' ').unwrap_or(0);
        let (line, after) = rest[begin..].split_at(text.chars().count().min(rest.len() - begin));
        spans
            .extend(line.chunk_by(|a, b| a.1 == b.1).map(|run| {
                Span::styled(run.iter().map(|(letter, _)| *letter).collect::<String>(), run[0].1)
            }));
        lines.push(Line::from(spans));
        rest = after;
    }
    let height = usize::from(area.height);
    if lines.len() > height
        && let Some(last) = lines.get_mut(height.saturating_sub(1))
    {
        last.push_span(Span::raw(" …"));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// What there is to say besides, in one line.
pub(super) fn remark(
    theme: Theme,
    remark: Option<&(&'static str, String)>,
    width: u16,
) -> Option<Line<'static>> {
    let (head, remark) = remark?;
    let badge = Span::styled(format!(" {head} "), theme.strong());
    let room = usize::from(width).saturating_sub(badge.width() + 1);
    Some(Line::from(vec![badge, Span::raw(fit::end(remark, room).into_owned())]))
}

/// What is not seen: dropped, or out of sight. One line each.
pub(super) fn notes(theme: Theme, process: &Process) -> Vec<Line<'static>> {
    let mut notes = Vec::new();
    let lost = process.history.lost();
    if lost.any() {
        let kinds = [
            (lost.events, "event"),
            (lost.stacks, "stack"),
            (lost.locations, "unplaced task event"),
            (lost.first_polls, "first poll"),
            (lost.lines, "line"),
        ];
        let told: Vec<_> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|&(count, noun)| fit::counted(count, noun))
            .collect();
        notes.push(Line::from(vec![
            Span::styled(" LOST ", theme.bad()),
            Span::styled(format!("{}: the numbers below leave them out", told.join(", ")), theme.bad()),
        ]));
    }
    let coverage = process.history.coverage();
    if let Some((gap, others)) = coverage.missing.split_first() {
        let others = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
        notes.push(Line::from(vec![
            Span::styled(" NOT SEEN ", theme.warning()),
            Span::raw(gap.what.clone()),
            Span::styled(format!(": {}{others}", gap.cure), theme.dim()),
        ]));
    }
    notes
}
