use super::facts::Facts;
use super::theme::Theme;
use super::{excerpt, list, stack};
use crate::model::{Detail, Excerpts, NAMING, Process, SourcePlace, is_stall, place, worker};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use stallscope::analysis::{Cause, Finding};
use stallscope_wire::duration::show;
use stallscope_wire::{Evidence, Owner, Quality};

/// Room for `Behind it`.
const LABEL: usize = 10;

/// Lines of source code with their rule: at least, and at most while the stack does not have what it needs.
const LEAST_LINES: u16 = 4;
const FEW_LINES: u16 = 8;

/// All that is known of one finding, with its source lines, where there are any, and the stack.
#[expect(clippy::too_many_arguments, reason = "where to draw, what, and when")]
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    detail: &Detail<'_>,
    excerpts: &Excerpts,
    cursor: usize,
    now_ns: u64,
) {
    let finding = detail.finding;
    let named = !detail.is_being_named(process, now_ns);
    let place = if named { place(finding) } else { NAMING.to_owned() };
    let room = list::title(frame, theme, area, &place, "Esc: back");
    let facts = facts(theme, process, detail, now_ns, usize::from(room.width));
    let has_stack = !finding.stack.is_empty() || is_stall(finding.rule);
    let places = SourcePlace::in_stack(process, finding, cursor);
    let source = places.into_iter().find_map(|place| Some((excerpts.of(&place)?, place)));
    let least_lines = if source.is_some() { LEAST_LINES } else { 0 };
    let least_stack = if has_stack { room.height / 4 } else { 0 };
    let height = (facts.len() as u16).min(room.height.saturating_sub(least_stack + least_lines));
    frame.render_widget(Paragraph::new(facts), Rect { height, ..room });
    let mut below = Rect { y: room.y + height, height: room.height - height, ..room };
    if let Some((excerpt, place)) = source {
        let wanted = finding.stack.len() as u16 + 1;
        let lines = (excerpt.lines.len() as u16 + 1).min(FEW_LINES.max(below.height.saturating_sub(wanted)));
        let lines = if has_stack { lines.min(below.height.saturating_sub(least_stack)) } else { lines };
        let height = lines.max(least_lines).min(below.height);
        excerpt::draw(frame, theme, Rect { height, ..below }, &place, excerpt);
        below = Rect { y: below.y + height, height: below.height - height, ..below };
    }
    if has_stack && named {
        draw_stack(frame, theme, below, detail, cursor);
    } else if has_stack {
        let room = list::title(frame, theme, below, "Stack", "");
        list::lines(frame, theme, room, list::nothing(theme, "names are being looked up"), None);
    }
}

/// What one needs first comes first: a small terminal has no room for the last of it.
fn facts(
    theme: Theme,
    process: &Process,
    detail: &Detail<'_>,
    now_ns: u64,
    width: usize,
) -> Vec<Line<'static>> {
    let finding = detail.finding;
    let mut facts = Facts::new(theme, LABEL, width);
    for record in &detail.ongoing {
        let (who, lasted) = (worker(process, record), show(process.lasted_ns(record, now_ns)));
        let still = if process.conclusion.is_some() { "when the lines ended" } else { "and counting" };
        facts.add("BLOCKED", &format!("{who}, for {lasted} {still}"), theme.bad());
    }
    facts.add("Do", &finding.help, theme.strong());
    facts.add("In", finding.culprit.function.as_deref().unwrap_or_default(), theme.strong());
    if is_stall(finding.rule) {
        facts.add("Cause", &cause(detail), Style::new());
        facts.add("Seen", &seen(process, detail, now_ns), Style::new());
    } else {
        facts.add("Found", &finding.to_string(), Style::new());
        facts.add("Rule", &finding.rule.to_string(), Style::new());
    }
    facts.add("Known", finding.detail.as_deref().unwrap_or_default(), Style::new());
    facts.add("Doubt", finding.doubt().unwrap_or_default(), theme.warning());
    facts.add("Cost", &cost(process, finding), Style::new());
    facts.add("Behind it", &finding.victims.routes_in_words().unwrap_or_default(), Style::new());
    facts.add("Request", &finding.request_in_words().unwrap_or_default(), Style::new());
    facts.add("Task", &task(detail), Style::new());
    facts.lines.push(Line::default());
    facts.lines
}

fn seen(process: &Process, detail: &Detail<'_>, now_ns: u64) -> String {
    let finding = detail.finding;
    let longest = show(detail.longest_ns(process, now_ns));
    let times = match finding.count {
        1 => format!("once, for {longest}"),
        count => {
            format!("{count} times, the longest {longest}, {} in all", show(detail.total_ns(process, now_ns)))
        }
    };
    let last = detail.latest.filter(|record| !record.ongoing).map_or_else(String::new, |record| {
        let ended_ns = record.stall.started_ns.saturating_add(record.stall.duration_ns);
        format!(", the last {} ago", show(now_ns.saturating_sub(ended_ns) / 1_000_000 * 1_000_000))
    });
    let host = match detail.host_ns() {
        ns if ns >= process.header().threshold_ns.max(1) => {
            format!("; the machine took {} besides", show(ns))
        }
        _ => String::new(),
    };
    times + &last + &host
}

/// The cause, and what it was judged by.
fn cause(detail: &Detail<'_>) -> String {
    let finding = detail.finding;
    let name = finding.cause_in_words();
    let evidence =
        detail.worst.map(|record| &record.stall.evidence).filter(|evidence| evidence.window_ns > 0);
    let pauses = |evidence: &Evidence| evidence.cpu_ns < evidence.window_ns / 10 * 9;
    let told = match finding.cause {
        Cause::Cpu if evidence.is_some_and(pauses) => "it computes for most of the time",
        Cause::Cpu => "it computes without a pause",
        Cause::Syscall => "the thread sits in the kernel",
        Cause::Lock => "the thread waits for another one",
        Cause::Host => "the machine did not run the thread, the code is not to blame",
        Cause::Saturation => "no single poll is long, but there are too many of them",
        _ => "it could not be told",
    };
    match evidence {
        Some(evidence) => format!("{name}: {told}. {}", in_words(evidence)),
        None => format!("{name}: {told}"),
    }
}

fn in_words(evidence: &Evidence) -> String {
    let on_processor = match evidence.system_ns {
        0 => "on a processor".to_owned(),
        system_ns => format!("on a processor (about {} of it in the kernel)", show(system_ns)),
    };
    let parts = [
        (evidence.cpu_ns, on_processor.as_str()),
        (evidence.blocked_ns, "waiting in the kernel"),
        (evidence.run_queue_ns, "ready but not run"),
    ];
    let taken = [(evidence.steal_ns, "the hypervisor"), (evidence.throttled_ns, "the control group's quota")];
    let parts: Vec<_> =
        parts.iter().filter(|(ns, _)| *ns > 0).map(|(ns, doing)| format!("{} {doing}", show(*ns))).collect();
    let mut words = format!("Of {} watched, {}", show(evidence.window_ns), parts.join(", "));
    if evidence.watchdog_gap_ns > evidence.window_ns / 10 {
        words += &format!("; the watchdog itself was held up for {}", show(evidence.watchdog_gap_ns));
    }
    for (ns, taker) in taken.iter().filter(|(ns, _)| *ns > evidence.window_ns / 10) {
        words += &format!("; {taker} took {}", show(*ns));
    }
    words
}

fn cost(process: &Process, finding: &Finding) -> String {
    let mut costs = Vec::new();
    if let Some(who) = finding.victims.in_words() {
        let delay = show(finding.victims.delay_ns);
        costs.push(format!("up to {who} waited behind it, {delay} of waiting in all"));
    }
    if let Some(lag) = process.lag_behind(finding) {
        costs.push(format!("new work waited up to {}", show(lag.max_ns)));
    }
    costs.join("; ")
}

fn task(detail: &Detail<'_>) -> String {
    let owner = detail.worst.map_or(Owner::Unknown, |record| record.stall.owner);
    match (&detail.finding.task, owner) {
        (Some(task), _) => task.to_string(),
        (None, Owner::Root) => "the root future (what block_on was given)".to_owned(),
        (None, Owner::Local) => "one of a LocalSet".to_owned(),
        (None, Owner::Runtime) => "none: the runtime's own work".to_owned(),
        _ => String::new(),
    }
}

fn draw_stack(frame: &mut Frame<'_>, theme: Theme, area: Rect, detail: &Detail<'_>, cursor: usize) {
    let finding = detail.finding;
    let quality = match finding.stack_quality {
        Some(Quality::Exact) => "exact",
        Some(Quality::Truncated) => "exact, its outer part not captured",
        Some(_) => "uncertain: a frame was guessed",
        None => "",
    };
    let room = list::title(frame, theme, area, "Stack of the longest, innermost first", quality);
    if finding.stack.is_empty() {
        return list::lines(frame, theme, room, list::nothing(theme, "none was captured"), None);
    }
    let rows = stack::lines(theme, detail, 0..finding.stack.len(), usize::from(room.width));
    list::lines(frame, theme, room, rows, Some(cursor));
}
