use super::theme::Theme;
use crate::model::KEYS;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The keys that one needs most.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for (key, does) in KEYS.iter().filter_map(|binding| binding.hint) {
        spans.push(Span::styled(key, theme.strong()));
        spans.push(Span::styled(format!(" {does}   "), theme.dim()));
    }
    frame.render_widget(Line::from(spans), area);
}
