use super::theme::Theme;
use crate::model::{KEYS, Key, Keymap};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

/// All keys, over whatever is on the screen above a line, from one line on; gives the last line that it may begin with.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, keys: &Keymap, first: usize, above: u16) -> usize {
    let bound: Vec<_> = KEYS
        .iter()
        .map(|binding| (keys.keys(binding), binding.does))
        .filter(|(keys, _)| !keys.is_empty())
        .map(|(keys, does)| (keys.into_iter().map(Key::in_words).collect::<Vec<_>>().join(" "), does))
        .collect();
    let names = bound.iter().map(|(names, _)| names.chars().count()).max().unwrap_or(0);
    let lines: Vec<_> = bound
        .into_iter()
        .map(|(key, does)| {
            Line::from(vec![
                Span::styled(format!(" {key:<names$}  "), theme.strong()),
                Span::raw(format!("{does} ")),
            ])
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 2;
    let screen = Rect { height: frame.area().height.min(above), ..frame.area() };
    let area = centered(screen, width, lines.len() as u16 + 2);
    let room = usize::from(area.height.saturating_sub(2));
    let last = lines.len().saturating_sub(room);
    let first = first.min(last);
    let below = lines.len().saturating_sub(first + room);
    let mut block = Block::bordered().title(" Keys ").title_style(theme.strong());
    if last > 0 {
        let told = if below > 0 { format!(" ↓ {below} more ") } else { " ↑ more ".to_owned() };
        block = block.title_bottom(Line::from(told).right_aligned());
    }
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block).scroll((first as u16, 0)), area);
    last
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
