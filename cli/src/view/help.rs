use super::theme::Theme;
use crate::model::KEYS;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

/// All keys, over whatever is on the screen.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme) {
    let names = KEYS.iter().map(|binding| binding.names.chars().count()).max().unwrap_or(0);
    let lines: Vec<_> = KEYS
        .iter()
        .map(|binding| {
            Line::from(vec![
                Span::styled(format!(" {:<names$}  ", binding.names), theme.strong()),
                Span::raw(binding.does),
            ])
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 3;
    let area = centered(frame.area(), width, lines.len() as u16 + 2);
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(" Keys ").title_style(theme.strong())),
        area,
    );
}

fn centered(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}
