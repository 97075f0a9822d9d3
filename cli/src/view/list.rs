//! What all panes have in common: a title on a rule, and lines that scroll.

use super::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// A pane's place on the screen and the part that the user plays in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) area: Rect,
    /// Keys go to it.
    pub(super) focused: bool,
    /// It fills the screen.
    pub(super) full: bool,
    /// The marked line, when keys go to it.
    pub(super) cursor: usize,
}

impl Place {
    /// The line that keys move, where they do.
    pub(super) fn marked(self) -> Option<usize> {
        (self.focused || self.full).then_some(self.cursor)
    }
}

/// Draws the rule with the title in it, a remark at its right end, and gives the room below.
pub(super) fn title(frame: &mut Frame<'_>, theme: Theme, place: Place, title: &str, remark: &str) -> Rect {
    let area = place.area;
    if area.height == 0 {
        return area;
    }
    let style = if place.focused { theme.focus() } else { theme.strong() };
    let lead = if place.focused { "─▸" } else { "──" };
    let width = usize::from(area.width);
    let used = 4 + title.chars().count();
    let remark = if remark.is_empty() || used + remark.chars().count() + 4 > width {
        String::new()
    } else {
        format!(" {remark} ─")
    };
    let rule = "─".repeat(width.saturating_sub(used + remark.chars().count()));
    let line = Line::from(vec![
        Span::styled(lead, if place.focused { theme.focus() } else { theme.dim() }),
        Span::styled(format!(" {title} "), style),
        Span::styled(rule, theme.dim()),
        Span::styled(remark, theme.dim()),
    ]);
    frame.render_widget(line, Rect { height: 1, ..area });
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// Draws as many lines as fit, so that the marked one is among them.
pub(super) fn lines(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    mut lines: Vec<Line<'_>>,
    marked: Option<usize>,
) {
    let height = usize::from(area.height);
    if height == 0 || lines.is_empty() {
        return;
    }
    let first = marked.map_or(0, |marked| (marked + 1).saturating_sub(height));
    if let Some(line) = marked.and_then(|marked| lines.get_mut(marked)) {
        mark(line, theme, usize::from(area.width));
    }
    let shown: Vec<_> = lines.into_iter().skip(first).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

/// A marked line is one bar: what is wrong keeps its colour, which is the ground then; others would be hard to read.
fn mark(line: &mut Line<'_>, theme: Theme, width: usize) {
    let used = line.width();
    let accused = line.spans.iter().all(|span| span.style == theme.bad());
    let bar = if accused { theme.marked().patch(theme.bad()) } else { theme.marked() };
    for span in &mut line.spans {
        span.style = bar.add_modifier(span.style.add_modifier & Modifier::BOLD);
    }
    line.spans.push(Span::styled(" ".repeat(width.saturating_sub(used)), bar));
}

/// A line that stands for an empty list.
pub(super) fn nothing(theme: Theme, text: &str) -> Vec<Line<'_>> {
    vec![Line::from(Span::styled(format!(" {text}"), theme.dim()))]
}
