use super::fit;
use super::theme::Theme;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Texts with a label before each, broken where the line ends.
pub(super) struct Facts {
    theme: Theme,
    /// Characters that a label has.
    label: usize,
    width: usize,
    pub(super) lines: Vec<Line<'static>>,
}

impl Facts {
    pub(super) fn new(theme: Theme, label: usize, width: usize) -> Self {
        Self { theme, label, width, lines: Vec::new() }
    }

    /// Adds a text, if there is any.
    pub(super) fn add(&mut self, label: &str, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let room = self.width.saturating_sub(self.label + 2);
        for (number, line) in fit::wrap(text, room).into_iter().enumerate() {
            let (label, width) = (if number == 0 { label } else { "" }, self.label);
            self.lines.push(Line::from(vec![
                Span::styled(format!(" {label:<width$}"), self.theme.dim()),
                Span::styled(line, style),
            ]));
        }
    }
}
