use super::fit;
use super::theme::Theme;
use crate::model::{Action, KEYS, Navigation, Screen};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Between two hints.
const GAP: usize = 3;

/// What gives way where there is no room for all hints, first of all the first.
const SPARED: [Action; 6] =
    [Action::Back, Action::Pause, Action::Down, Action::Mode, Action::Sort, Action::NextScreen];

/// What there is to say of the last key, or the keys that one needs most; how to get help and out are the last to give way.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    navigation: &Navigation,
    notice: Option<&str>,
) {
    let room = usize::from(area.width).saturating_sub(1);
    if let Some(notice) = notice {
        let text = fit::end(notice, room).into_owned();
        return frame
            .render_widget(Line::from(vec![Span::raw(" "), Span::styled(text, theme.warning())]), area);
    }
    let mut hints: Vec<_> = KEYS
        .iter()
        .filter(|binding| belongs(binding.action, navigation))
        .filter_map(|binding| binding.hint.map(|(key, does)| (binding.action, key, does)))
        .collect();
    let width = |hints: &[(Action, &str, &str)]| -> usize {
        let each = hints.iter().map(|(_, key, does)| key.chars().count() + does.chars().count() + GAP + 1);
        each.sum::<usize>().saturating_sub(GAP)
    };
    for spared in SPARED {
        if width(&hints) > room {
            hints.retain(|(action, ..)| *action != spared);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (_, key, does) in hints {
        spans.push(Span::styled(key, theme.strong()));
        spans.push(Span::styled(format!(" {does}{:GAP$}", ""), theme.dim()));
    }
    frame.render_widget(Line::from(spans), area);
}

/// Whether the key does anything there.
fn belongs(action: Action, navigation: &Navigation) -> bool {
    match action {
        Action::Sort => navigation.opened.is_none() && navigation.screen != Screen::Runtime,
        Action::Open => navigation.opened.is_none(),
        Action::Back => navigation.opened.is_some() || navigation.screen != Screen::Overview,
        _ => true,
    }
}
