use super::fit;
use super::theme::Theme;
use crate::model::{Detail, short};
use ratatui::text::{Line, Span};
use stallscope::analysis::Frame;

/// A finding's frames, innermost first. Own code stands out by a sign and its weight, the accused frame by an arrow and
/// colour.
pub(super) fn lines(theme: Theme, detail: &Detail<'_>, width: usize) -> Vec<Line<'static>> {
    let frames: Vec<_> =
        detail.finding.stack.iter().map(|frame| (frame.to_string(), place(frame), frame.user)).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(6);
    // The places are given what they need, the functions what is left: a function is known by its end too.
    let places = widest(&mut frames.iter().map(|(_, place, _)| place)).min(room / 2);
    let functions = widest(&mut frames.iter().map(|(function, ..)| function)).min(room - places);
    let rows = frames.iter().enumerate();
    rows.map(|(at, (function, place, user))| {
        let (sign, style) = match (detail.culprit == Some(at), user) {
            (true, _) => (" ▶ ", theme.bad()),
            (false, true) => (" • ", theme.strong()),
            (false, false) => ("   ", theme.dim()),
        };
        Line::from(vec![
            Span::styled(sign, style),
            Span::styled(fit::place(function, functions), style),
            Span::styled(format!("  {}", fit::start(place, room - functions)), style),
        ])
    })
    .collect()
}

fn place(frame: &Frame) -> String {
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => short(&format!("{file}:{line}")),
        (Some(file), None) => short(file),
        (None, _) => frame.krate.clone().unwrap_or_default(),
    }
}
