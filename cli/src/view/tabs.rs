use super::theme::Theme;
use crate::model::{Area, Navigation, Screen};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The screens with their numbers, the one in front marked; where not all names fit, only its name. Tells what stands where.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    navigation: &Navigation,
) -> Vec<(Area, Screen)> {
    if area.height == 0 {
        return Vec::new();
    }
    let screens = navigation.screens();
    let label = |screen: Screen, names: bool| {
        let number = screen.index() + 1;
        if names || screen == navigation.screen {
            format!("{number} {}", screen.name())
        } else {
            number.to_string()
        }
    };
    let width = |names| screens.iter().map(|&screen| label(screen, names).chars().count() + 2).sum::<usize>();
    let names = width(true) <= usize::from(area.width);
    let mut x = area.x;
    let mut spots = Vec::new();
    let mut spans = Vec::new();
    for &screen in screens {
        let text = format!(" {} ", label(screen, names));
        let width = text.chars().count() as u16;
        spots.push((Area { x, y: area.y, width, height: 1 }, screen));
        x += width;
        let style =
            if screen == navigation.screen { theme.marked().patch(theme.focus()) } else { theme.dim() };
        spans.push(Span::styled(text, style));
    }
    frame.render_widget(Line::from(spans), area);
    spots
}
