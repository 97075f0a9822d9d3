use super::fit;
use super::list::{Place, lines, nothing, title};
use super::theme::Theme;
use crate::model::{Detail, FindingId, Process};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope::analysis::{Finding, Severity};
use stallscope_wire::duration::show;

/// What went wrong, by the line that did it.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process, now_ns: u64) {
    let mut room = title(frame, theme, place, "Findings, by what they cost others", "Enter: stack");
    if room.height == 0 {
        return;
    }
    if process.findings.is_empty() {
        let threshold = show(process.header().threshold_ns);
        let none = format!("none: no poll was longer than {threshold}");
        return lines(frame, theme, room, nothing(theme, &none), None);
    }
    let columns = Columns::of(usize::from(room.width));
    if room.height > 2 {
        frame.render_widget(columns.heads(theme), Rect { height: 1, ..room });
        room.y += 1;
        room.height -= 1;
    }
    let rows = process.findings.iter().map(|finding| columns.row(theme, process, finding, now_ns)).collect();
    lines(frame, theme, room, rows, place.marked());
}

/// Widths of the columns; those of no width are left out.
struct Columns {
    place: usize,
    cause: usize,
    victims: usize,
    total: usize,
    function: usize,
}

const COUNT: usize = 6;
const LONGEST: usize = 8;
const NOW: usize = 8;

impl Columns {
    fn of(width: usize) -> Self {
        let fixed = 3 + COUNT + LONGEST + NOW;
        let mut left = width.saturating_sub(fixed);
        let mut take = |wanted: usize, beyond: usize| {
            let given = if left >= wanted + beyond { wanted } else { 0 };
            left -= given;
            given
        };
        let cause = take(18, 22);
        let victims = take(17, 22);
        let total = take(8, 30);
        let function = take(30, 32);
        Self { place: left.saturating_sub(1), cause, victims, total, function }
    }

    fn heads(&self, theme: Theme) -> Line<'static> {
        let mut text = format!("   {} ", fit::column("where", self.place));
        text += &fit::column("cause", self.cause);
        text += &format!("{:>COUNT$}{:>LONGEST$}{:>NOW$}", "count", "longest", "now");
        text += &right("in all", self.total);
        text += &right("waited behind", self.victims);
        text += &fit::column("  function", self.function);
        Line::styled(text, theme.dim())
    }

    fn row(&self, theme: Theme, process: &Process, finding: &Finding, now_ns: u64) -> Line<'static> {
        let ongoing = Detail::of(process, &FindingId::of(finding)).and_then(|detail| detail.ongoing);
        let (sign, style) = match (finding.ongoing, finding.severity) {
            (true, _) => (" ● ", theme.bad()),
            (false, Severity::Error) => ("   ", theme.strong()),
            (false, Severity::Warning) => ("   ", theme.warning()),
            (false, _) => ("   ", theme.dim()),
        };
        let now = match ongoing {
            Some(record) => show(process.lasted_ns(record, now_ns)).to_string(),
            None if finding.ongoing => "yes".to_owned(),
            None => "–".to_owned(),
        };
        let victims = match (finding.victims.tasks, finding.victims.delay_ns) {
            (0, 0) => "–".to_owned(),
            (tasks, delay) => format!("{} {:>6}", fit::counted(tasks, "task"), show(delay)),
        };
        let longest =
            ongoing.map_or(finding.max_ns, |record| finding.max_ns.max(process.lasted_ns(record, now_ns)));
        let function = finding.culprit.function.as_deref().unwrap_or_default();
        let (place, beside) = (place(finding), theme.dim());
        Line::from(vec![
            Span::styled(sign, theme.bad()),
            Span::styled(fit::place(&place, self.place) + " ", style),
            Span::raw(fit::column(
                &finding.cause_in_words().replace("syscall ", ""),
                self.cause.saturating_sub(1),
            )),
            Span::raw(" ".repeat(self.cause.min(1))),
            Span::raw(format!("{:>COUNT$}", fit::count(finding.count))),
            Span::raw(format!("{longest:>LONGEST$}", longest = show(longest))),
            Span::styled(format!("{now:>NOW$}"), if finding.ongoing { theme.bad() } else { beside }),
            Span::raw(right(&show(finding.total_ns).to_string(), self.total)),
            Span::raw(right(&victims, self.victims)),
            Span::styled(function_column(function, self.function), beside),
        ])
    }
}

/// What stands for the culprit: the line; of findings that accuse none, what they say.
pub(super) fn place(finding: &Finding) -> String {
    use stallscope::analysis::Rule;
    match finding.rule {
        Rule::HostPause => "the machine paused".to_owned(),
        Rule::LoopLag if !finding.culprit.is_known() => "loop lag".to_owned(),
        _ => finding.culprit.to_string(),
    }
}

fn function_column(function: &str, width: usize) -> String {
    if width < 4 {
        String::new()
    } else {
        format!("  {}", fit::column(&fit::start(function, width - 2), width - 2))
    }
}

fn right(text: &str, width: usize) -> String {
    if width == 0 { String::new() } else { format!("{:>width$}", fit::end(text, width)) }
}
