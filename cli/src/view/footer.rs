use super::fit;
use super::theme::Theme;
use crate::model::KEYS;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Between two hints.
const GAP: usize = 3;

/// What there is to say of the last key, or the keys that one needs most; how to get help and out are the last to give way.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, notice: Option<&str>) {
    if let Some(notice) = notice {
        let text = fit::end(notice, usize::from(area.width).saturating_sub(1)).into_owned();
        return frame
            .render_widget(Line::from(vec![Span::raw(" "), Span::styled(text, theme.warning())]), area);
    }
    let mut hints: Vec<_> = KEYS.iter().filter_map(|binding| binding.hint).collect();
    let width = |hints: &[(&str, &str)]| -> usize {
        hints.iter().map(|(key, does)| key.chars().count() + does.chars().count() + GAP + 1).sum()
    };
    while width(&hints) > usize::from(area.width) && hints.len() > 2 {
        hints.remove(hints.len() - 3);
    }
    let mut spans = vec![Span::raw(" ")];
    for (key, does) in hints {
        spans.push(Span::styled(key, theme.strong()));
        spans.push(Span::styled(format!(" {does}{:GAP$}", ""), theme.dim()));
    }
    frame.render_widget(Line::from(spans), area);
}
