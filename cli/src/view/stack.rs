use super::fit;
use super::theme::Theme;
use crate::model::Detail;
use ratatui::text::{Line, Span};
use stallscope::analysis::Frame;

/// A finding's frames, innermost first. Own code stands out by a sign and its weight, the accused frame by an arrow and
/// colour.
pub(super) fn lines(theme: Theme, detail: &Detail<'_>, width: usize) -> Vec<Line<'static>> {
    let frames = &detail.finding.stack;
    let longest = frames.iter().map(|frame| frame.to_string().chars().count()).max().unwrap_or(0);
    let function = longest.min(width.saturating_sub(6) * 55 / 100);
    let culprit = |at| detail.culprit == Some(at);
    frames.iter().enumerate().map(|(at, frame)| line(theme, frame, culprit(at), function, width)).collect()
}

fn line(theme: Theme, frame: &Frame, culprit: bool, function: usize, width: usize) -> Line<'static> {
    let (sign, style) = match (culprit, frame.user) {
        (true, _) => (" ▶ ", theme.bad()),
        (false, true) => (" • ", theme.strong()),
        (false, false) => ("   ", theme.dim()),
    };
    let at = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => frame.krate.clone().unwrap_or_default(),
    };
    Line::from(vec![
        Span::styled(sign, style),
        Span::styled(fit::place(&frame.to_string(), function), style),
        Span::styled(format!("  {}", fit::start(&at, width.saturating_sub(function + 6))), style),
    ])
}
