use super::fit;
use super::list::{lines, nothing, title};
use super::theme::Theme;
use super::{excerpt, stack, table};
use crate::model::{Detail, Excerpts, Listed, Opened, Process, SourcePlace, Spots};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope::analysis::Finding;
use stallscope_wire::duration::show;

/// Lines that the findings leave free before advice and stack are shown below them.
const SPARE: u16 = 3;
/// From here on there is room for more than one line of advice.
const ROOMY: u16 = 6;

/// What went wrong, by the line that did it; where there is room, with the stack of the marked one.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    excerpts: &Excerpts,
    listed: &Listed,
    now_ns: u64,
) -> Spots {
    let mut room = title(frame, theme, area, "Findings, by what they cost others", "Enter: all of it");
    if listed.table.total == 0 {
        let threshold = show(process.header().threshold_ns);
        let none = format!("none: no poll was longer than {threshold}");
        lines(frame, theme, room, nothing(theme, &none), None);
        return Spots::default();
    }
    let used = listed.table.rows.len() as u16 + 1;
    if room.height >= used.saturating_add(SPARE) {
        let below = Rect { y: room.y + used + 1, height: room.height - used - 1, ..room };
        room.height = used;
        if let Some(Opened::Finding(id)) = listed.row().map(|row| &row.opens)
            && let Some(detail) = Detail::of(process, id)
        {
            preview(frame, theme, below, process, &detail, excerpts, now_ns);
        }
    }
    table::draw(frame, theme, room, listed)
}

/// What to do, the source lines, and the frames around the accused one.
fn preview(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    detail: &Detail<'_>,
    excerpts: &Excerpts,
    now_ns: u64,
) {
    if detail.finding.stack.is_empty() {
        return words(frame, theme, area, detail.finding);
    }
    let (help, width) = (&detail.finding.help, usize::from(area.width).saturating_sub(6));
    let roomy = area.height >= ROOMY;
    let texts = if roomy { fit::wrap(help, width) } else { vec![fit::end(help, width).into_owned()] };
    let advice: Vec<_> = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| {
            let lead = if number == 0 { "   → " } else { "     " };
            Line::from(vec![Span::styled(lead, theme.dim()), Span::styled(text, theme.strong())])
        })
        .collect();
    let height = (advice.len() as u16).min(area.height);
    lines(frame, theme, Rect { height, ..area }, advice, None);
    let mut below = Rect { y: area.y + height, height: area.height - height, ..area };
    if detail.is_being_named(process, now_ns) {
        return lines(frame, theme, below, nothing(theme, "  names are being looked up"), None);
    }
    let source = SourcePlace::of(process, detail.finding);
    if let Some((excerpt, place)) = source.and_then(|place| Some((excerpts.of(&place)?, place))) {
        let height = match below.height {
            0..6 => 1,
            6..16 => 3,
            _ => 7,
        };
        let shown = excerpt::lines(theme, &place, excerpt, usize::from(below.width), height);
        let height = (shown.len() as u16 + 1).min(below.height);
        lines(frame, theme, Rect { height, ..below }, shown, None);
        below = Rect { y: below.y + height, height: below.height - height, ..below };
    }
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
