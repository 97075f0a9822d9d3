use super::fit;
use super::name;
use super::theme::Theme;
use crate::model::Detail;
use ratatui::text::{Line, Span};
use stallscope::analysis::Frame;
use std::ops::Range;

/// Some of a finding's frames, innermost first. Own code stands out by a sign and its weight, the accused frame by an
/// arrow and colour.
pub(super) fn lines(
    theme: Theme,
    detail: &Detail<'_>,
    shown: Range<usize>,
    width: usize,
) -> Vec<Line<'static>> {
    let frames = detail.finding.stack.iter().enumerate().take(shown.end).skip(shown.start);
    let frames: Vec<_> =
        frames.map(|(at, frame)| (at, name::plain(&frame.to_string()), place(frame), frame.user)).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(6);
    // The places are given what they need, the functions what is left: a function is known by its end too.
    let places = widest(&mut frames.iter().map(|(_, _, place, _)| place)).min(room / 2);
    let functions = widest(&mut frames.iter().map(|(_, function, ..)| function)).min(room - places);
    let rows = frames.iter().map(|(at, function, place, user)| {
        let (sign, style) = match (detail.culprit == Some(*at), user) {
            (true, _) => (" ▶ ", theme.bad()),
            (false, true) => (" • ", theme.strong()),
            (false, false) => ("   ", theme.dim()),
        };
        Line::from(vec![
            Span::styled(sign, style),
            Span::styled(name::column(function, functions), style),
            Span::styled(format!("  {}", fit::start(place, room - functions)), style),
        ])
    });
    rows.collect()
}

/// As many lines as fit, those next to the accused frame first. What lies outside of the user's own code is only counted.
pub(super) fn extract(theme: Theme, detail: &Detail<'_>, width: usize, height: usize) -> Vec<Line<'static>> {
    let stack = &detail.finding.stack;
    let told = stack.iter().rposition(|frame| frame.user).map_or(stack.len(), |outermost| outermost + 1);
    // One line that says that one line is left out is no gain.
    let told = if stack.len() - told > 1 { told } else { stack.len() };
    if told == stack.len() && told <= height {
        return lines(theme, detail, 0..told, width);
    }
    let room = height.saturating_sub(1);
    let first = detail.culprit.unwrap_or(0).saturating_sub(room / 2).min(told.saturating_sub(room));
    let last = (first + room).min(told);
    let mut shown = lines(theme, detail, first..last, width);
    let rest = fit::counted((stack.len() - shown.len()) as u64, "more frame");
    shown.push(Line::styled(format!("   … {rest} (Enter shows all)"), theme.dim()));
    shown
}

fn place(frame: &Frame) -> String {
    frame.place().or_else(|| frame.krate.clone()).unwrap_or_default()
}
