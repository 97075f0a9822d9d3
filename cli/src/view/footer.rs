use super::fit;
use super::theme::Theme;
use crate::model::{Action, KEYS, Screen};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Between two hints.
const GAP: usize = 3;

/// What gives way where there is no room for all hints, first of all the first.
const SPARED: [Action; 7] = [
    Action::Back,
    Action::Pause,
    Action::Down,
    Action::NextPane,
    Action::Reverse,
    Action::Mode,
    Action::Tasks,
];

/// What there is to say of the last key, or the keys that one needs most; how to get help and out are the last to give way.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, area: Rect, screen: &Screen, notice: Option<&str>) {
    let room = usize::from(area.width).saturating_sub(1);
    if let Some(notice) = notice {
        let text = fit::end(notice, room).into_owned();
        return frame
            .render_widget(Line::from(vec![Span::raw(" "), Span::styled(text, theme.warning())]), area);
    }
    let mut hints: Vec<_> = KEYS
        .iter()
        .filter(|binding| belongs(binding.action, screen))
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
fn belongs(action: Action, screen: &Screen) -> bool {
    match (action, screen) {
        (Action::Sort | Action::Reverse, screen) => *screen == Screen::Tasks,
        (Action::NextPane, Screen::Tasks | Screen::Site(_)) | (Action::Open, Screen::Site(_)) => false,
        _ => true,
    }
}
