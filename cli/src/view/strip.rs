//! A worker's last minute, a sign a second.

use super::theme::Theme;
use ratatui::style::Style;
use ratatui::text::Span;

/// What the signs mean.
pub(super) const LEGEND: &str =
    "a sign a second, the newest last:  · parked  ▁▃▅ busy  █ blocked  ▒ not run by the machine";
/// The same, shorter.
pub(super) const SHORT_LEGEND: &str = "· parked  ▁▃▅ busy  █ blocked  ▒ not run";

/// The signs in their colours.
pub(super) fn spans(theme: Theme, signs: &str) -> Vec<Span<'static>> {
    let signs: Vec<char> = signs.chars().collect();
    signs
        .chunk_by(|a, b| style(theme, *a) == style(theme, *b))
        .map(|run| Span::styled(run.iter().collect::<String>(), style(theme, run[0])))
        .collect()
}

fn style(theme: Theme, sign: char) -> Style {
    match sign {
        '█' => theme.bad(),
        '▒' => theme.warning(),
        '▁' | '▃' | '▅' => theme.good(),
        _ => theme.dim(),
    }
}
