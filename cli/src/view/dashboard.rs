use super::layout::Layout;
use super::list::Place;
use super::theme::Theme;
use super::{detail, findings, footer, handlers, header, help, lag, site, sockets, tasks, workers};
use crate::model::{Detail, Model, Pane, Screen, Site, health};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;
use std::time::Duration;

/// Draws all of it, as it is when the clock of the view says `ours`.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme, ours: Duration) {
    let frozen = model.frozen_for(ours);
    let (process, ours) = model.shown(ours);
    let now_ns = process.clock.now_ns(ours);
    let mut notes = header::notes(theme, process);
    notes.splice(0..0, header::remark(theme, model.remark.as_deref(), frame.area().width));
    notes.truncate(usize::from(frame.area().height / 8));
    let layout = Layout::of(frame.area(), notes.len() as u16);
    header::draw(frame, theme, layout.header, process, now_ns, frozen);
    header::draw_health(frame, theme, layout.health, &health(process, ours));
    frame.render_widget(Paragraph::new(notes), layout.notes);
    footer::draw(frame, theme, layout.footer, &model.navigation.screen, model.switching.notice());

    let navigation = &model.navigation;
    let pane = |frame: &mut Frame<'_>, pane: Pane, area: Rect, full: bool| {
        let focused = navigation.pane == pane;
        let cursor = if pane == Pane::Findings { navigation.finding } else { navigation.cursor };
        let place = Place { area, focused, full, cursor };
        match pane {
            Pane::Lag => lag::draw(frame, theme, place, process, now_ns),
            Pane::Workers => workers::draw(frame, theme, place, process, now_ns),
            Pane::Findings => findings::draw(frame, theme, place, process, now_ns),
            Pane::Handlers => handlers::draw(frame, theme, place, process),
            Pane::Sockets => sockets::draw(frame, theme, place, process),
        }
    };
    let opened = match &navigation.screen {
        Screen::Finding(id) => Detail::of(process, id),
        _ => None,
    };
    match (&navigation.screen, opened) {
        (_, Some(opened)) => {
            detail::draw(frame, theme, layout.body, process, &opened, navigation.cursor, now_ns);
        }
        (Screen::Tasks, _) => tasks::draw(frame, theme, layout.body, process, navigation),
        (Screen::Site(spawned_at), _) => {
            if let Some(opened) = Site::of(process, spawned_at) {
                site::draw(frame, theme, layout.body, process, &opened);
            }
        }
        (Screen::Full(full), _) => pane(frame, *full, layout.body, true),
        _ => {
            pane(frame, Pane::Lag, layout.lag, false);
            pane(frame, Pane::Workers, layout.workers, false);
            pane(frame, Pane::Findings, layout.findings, false);
            pane(frame, Pane::Handlers, layout.handlers, false);
            pane(frame, Pane::Sockets, layout.sockets, false);
        }
    }
    if navigation.help {
        help::draw(frame, theme);
    }
    theme.finish(frame.buffer_mut());
}
