//! What all panes have in common: a title on a rule, and lines that scroll.

use super::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Draws the rule with the title in it, a remark at its right end, and gives the room below.
pub(super) fn title(frame: &mut Frame<'_>, theme: Theme, area: Rect, title: &str, remark: &str) -> Rect {
    if area.height == 0 {
        return area;
    }
    let width = usize::from(area.width);
    let used = 4 + title.chars().count();
    let remark = if remark.is_empty() || used + remark.chars().count() + 4 > width {
        String::new()
    } else {
        format!(" {remark} ─")
    };
    let rule = "─".repeat(width.saturating_sub(used + remark.chars().count()));
    let line = Line::from(vec![
        Span::styled("──", theme.dim()),
        Span::styled(format!(" {title} "), theme.strong()),
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
