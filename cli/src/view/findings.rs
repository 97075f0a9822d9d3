use super::fit;
use super::list::{Place, lines, nothing, title};
use super::name;
use super::stack;
use super::theme::Theme;
use crate::model::{Detail, Process};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope::analysis::{Finding, Rule, Severity};
use stallscope_wire::duration::show;

/// Lines that the findings leave free before advice and stack are shown below them.
const SPARE: u16 = 3;

/// What went wrong, by the line that did it; where there is room, with the stack of the marked one.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process, now_ns: u64) {
    let mut room = title(frame, theme, place, "Findings, by what they cost others", "Enter: all of it");
    if process.findings.is_empty() {
        let threshold = show(process.header().threshold_ns);
        let none = format!("none: no poll was longer than {threshold}");
        return lines(frame, theme, room, nothing(theme, &none), None);
    }
    let details = Detail::all(process);
    let columns = Columns::of(usize::from(room.width), &details);
    if room.height > 2 {
        frame.render_widget(columns.heads(theme), Rect { height: 1, ..room });
        room.y += 1;
        room.height -= 1;
    }
    let used = details.len() as u16;
    if room.height >= used.saturating_add(SPARE) {
        let below = Rect { y: room.y + used + 1, height: room.height - used - 1, ..room };
        room.height = used;
        if let Some(detail) = details.get(place.cursor) {
            preview(frame, theme, below, detail);
        }
    }
    let rows = details.iter().map(|detail| columns.row(theme, process, detail, now_ns)).collect();
    lines(frame, theme, room, rows, place.marked());
}

/// What to do, and the frames around the accused one.
fn preview(frame: &mut Frame<'_>, theme: Theme, area: Rect, detail: &Detail<'_>) {
    if detail.finding.stack.is_empty() {
        return words(frame, theme, area, detail.finding);
    }
    let advice = Line::from(vec![
        Span::styled("   → ", theme.dim()),
        Span::styled(detail.finding.help.clone(), theme.strong()),
    ]);
    frame.render_widget(advice, Rect { height: 1, ..area });
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let frames = stack::extract(theme, detail, usize::from(below.width), usize::from(below.height));
    lines(frame, theme, below, frames, None);
}

/// Of a finding without a stack: what to do, and what else is known.
fn words(frame: &mut Frame<'_>, theme: Theme, area: Rect, finding: &Finding) {
    let mut told = Vec::new();
    let width = usize::from(area.width).saturating_sub(6);
    let detail = finding.detail.as_deref().unwrap_or_default();
    for (text, lead, style) in
        [(finding.help.as_str(), "   → ", theme.strong()), (detail, "     ", theme.dim())]
    {
        for (number, line) in fit::wrap(text, width).into_iter().filter(|line| !line.is_empty()).enumerate() {
            let lead = if number == 0 { lead } else { "     " };
            told.push(Line::from(vec![Span::styled(lead, theme.dim()), Span::styled(line, style)]));
        }
    }
    lines(frame, theme, area, told, None);
}

/// Widths of the columns; those of no width are left out.
struct Columns {
    place: usize,
    function: usize,
    cause: usize,
    total: usize,
    victims: usize,
}

const SIGN: usize = 3;
const COUNT: usize = 6;
const LONGEST: usize = 9;
const NOW: usize = 8;

impl Columns {
    fn of(width: usize, details: &[Detail<'_>]) -> Self {
        let widest = details.iter().map(|detail| place(detail.finding).chars().count()).max().unwrap_or(0);
        let mut left = width.saturating_sub(SIGN + COUNT + LONGEST + NOW);
        // The place is given what it needs before any column that is not always shown.
        let wanted = (widest + 2).clamp(20, 60);
        let mut take = |column: usize| {
            let given = if left >= wanted + column { column } else { 0 };
            left -= given;
            given
        };
        let cause = take(17);
        let any_waited = details.iter().any(|detail| detail.finding.victims.count() > 0);
        let victims = if any_waited { take(17) } else { 0 };
        let total = take(8);
        let function = left.saturating_sub(wanted);
        let function = if function >= 16 { function } else { 0 };
        Self { place: left - function, function, cause, total, victims }
    }

    fn heads(&self, theme: Theme) -> Line<'static> {
        let mut text = " ".repeat(SIGN);
        text += &left("where", self.place);
        text += &left("function", self.function);
        text += &left("cause", self.cause);
        text += &format!("{:>COUNT$}{:>LONGEST$}{:>NOW$}", "count", "longest", "now");
        text += &right("in all", self.total);
        text += &right("waited behind", self.victims);
        Line::styled(text, theme.dim())
    }

    fn row(&self, theme: Theme, process: &Process, detail: &Detail<'_>, now_ns: u64) -> Line<'static> {
        let finding = detail.finding;
        let style = match (finding.ongoing, finding.severity) {
            (true, _) => theme.bad(),
            (false, Severity::Error) => theme.strong(),
            (false, Severity::Warning) => theme.warning(),
            (false, _) => theme.dim(),
        };
        let now = match detail.ongoing.first() {
            Some(record) => show(process.lasted_ns(record, now_ns)).to_string(),
            None if finding.ongoing => "yes".to_owned(),
            None => "–".to_owned(),
        };
        let victims = match (&finding.victims, finding.victims.count()) {
            (_, 0) => "–".to_owned(),
            (victims, count) => {
                let noun = match (victims.tasks, victims.sockets.unwrap_or(0)) {
                    (_, 0) => "task",
                    (0, _) => "conn",
                    _ => "other",
                };
                format!("{} {:>6}", fit::counted(count, noun), show(victims.delay_ns))
            }
        };
        let function = name::plain(finding.culprit.function.as_deref().unwrap_or_default());
        let function = function.trim_end_matches("::{{closure}}");
        Line::from(vec![
            Span::styled(if finding.ongoing { " ● " } else { "   " }, theme.bad()),
            Span::styled(left(&fit::start(&place(finding), self.place.saturating_sub(1)), self.place), style),
            Span::styled(
                left(&name::column(function, self.function.saturating_sub(2)), self.function),
                theme.dim(),
            ),
            Span::raw(left(&cause(finding), self.cause)),
            Span::raw(format!("{:>COUNT$}", fit::count(finding.count))),
            Span::styled(format!("{:>LONGEST$}", time(detail.longest_ns(process, now_ns))), theme.strong()),
            Span::styled(format!("{now:>NOW$}"), if finding.ongoing { theme.bad() } else { theme.dim() }),
            Span::raw(right(&time(detail.total_ns(process, now_ns)), self.total)),
            Span::raw(right(&victims, self.victims)),
        ])
    }
}

/// What takes no time has none.
fn time(ns: u64) -> String {
    if ns == 0 { "–".to_owned() } else { show(ns).to_string() }
}

/// Why, and whether that it is one poll is only probable; of what is no stall, the rule says why.
fn cause(finding: &Finding) -> String {
    if !is_stall(finding.rule) {
        return finding.rule.to_string();
    }
    let cause = finding.cause_in_words();
    let cause = cause.trim_start_matches("syscall ");
    if finding.doubt().is_some() { format!("{cause}, probably") } else { cause.to_owned() }
}

/// Whether it is about threads that did not get on, and not about tasks.
pub(super) fn is_stall(rule: Rule) -> bool {
    matches!(rule, Rule::BlockingPoll | Rule::LoopLag | Rule::HostPause)
}

/// What stands for the culprit: the line; of findings that accuse none, what they say.
pub(super) fn place(finding: &Finding) -> String {
    match finding.rule {
        Rule::HostPause => "the machine paused".to_owned(),
        Rule::LoopLag if !finding.culprit.is_known() => "loop lag".to_owned(),
        _ => finding.culprit.to_string(),
    }
}

/// A column that keeps a gap to the next one.
fn left(text: &str, width: usize) -> String {
    if width == 0 { String::new() } else { fit::column(text, width - 1) + " " }
}

fn right(text: &str, width: usize) -> String {
    if width == 0 { String::new() } else { format!("{:>width$}", fit::end(text, width)) }
}
