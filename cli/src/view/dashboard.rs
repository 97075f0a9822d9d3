use super::layout::Layout;
use super::theme::Theme;
use super::{
    detail, footer, handlers, header, help, lag, processes, row, runtime, site, sockets, stalls, tabs, tape,
    tasks, workers,
};
use crate::model::{Detail, Listed, Model, Opened, Process, Screen, Site, Spots, health};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;
use std::time::Duration;

/// Draws all of it, as it is when the clock of the view says `ours`, and tells what stands where.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme, ours: Duration) -> Spots {
    let listed = model.list(ours);
    let look = model.tape.look(ours);
    let (process, ours) = model.shown(ours);
    let now_ns = process.clock.now_ns(ours);
    let mut notes = header::notes(theme, process);
    notes.splice(0..0, header::remark(theme, model.remark.as_ref(), frame.area().width));
    notes.splice(0..0, processes::strip(theme, model, frame.area().width));
    notes.truncate(usize::from(frame.area().height / 8));
    let (area, bar) = tape::room(frame.area(), &model.tape, ours);
    let layout = Layout::of(area, notes.len() as u16);
    header::draw(frame, theme, layout.header, process, now_ns, look);
    header::draw_health(frame, theme, layout.health, &health(process, ours));
    frame.render_widget(Paragraph::new(notes), layout.notes);
    if let Some(bar) = bar {
        tape::draw(frame, theme, bar, &model.tape, ours);
    }
    let navigation = &model.navigation;
    let screens = tabs::draw(frame, theme, layout.tabs, navigation);
    let spots = match &navigation.opened {
        Some(opened) => {
            draw_opened(frame, theme, layout.body, model, process, opened, &listed, now_ns);
            Spots::default()
        }
        None if navigation.screen == Screen::Processes => {
            processes::draw(frame, theme, layout.body, model, &listed)
        }
        None => draw_screen(frame, theme, &layout, model, process, &listed, now_ns),
    };
    // The bottom line is left to what is asked and said.
    let above = if layout.footer.height > 0 { layout.footer.y } else { frame.area().height };
    let help = navigation.help.map_or(0, |first| help::draw(frame, theme, &model.keys, first, above));
    // Over the help too: what is asked must be seen.
    footer::draw(frame, theme, layout.footer, model, &listed);
    theme.finish(frame.buffer_mut());
    Spots { screens, help, ..spots }
}

fn draw_screen(
    frame: &mut Frame<'_>,
    theme: Theme,
    layout: &Layout,
    model: &Model,
    process: &Process,
    listed: &Listed,
    now_ns: u64,
) -> Spots {
    let (excerpts, screen) = (&model.excerpts, model.navigation.screen);
    match screen {
        Screen::Overview => {
            lag::draw(frame, theme, layout.lag, process, now_ns);
            workers::draw_pane(frame, theme, layout.workers, process, now_ns);
            handlers::draw_pane(frame, theme, layout.handlers, process);
            sockets::draw_pane(frame, theme, layout.sockets, process);
            stalls::draw(frame, theme, layout.findings, process, excerpts, listed, now_ns)
        }
        Screen::Stalls => stalls::draw(frame, theme, layout.body, process, excerpts, listed, now_ns),
        Screen::Tasks => tasks::draw(frame, theme, layout.body, process, listed),
        Screen::Handlers => handlers::draw(frame, theme, layout.body, process, listed),
        Screen::Sockets => sockets::draw(frame, theme, layout.body, process, listed),
        Screen::Workers => workers::draw(frame, theme, layout.body, process, listed, now_ns),
        Screen::Runtime => runtime::draw(frame, theme, layout.body, process, listed),
        // It is of all of them, not of the one on the screen.
        Screen::Processes => Spots::default(),
    }
}

#[expect(clippy::too_many_arguments, reason = "where to draw, what, and when")]
fn draw_opened(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    model: &Model,
    process: &Process,
    opened: &Opened,
    listed: &Listed,
    now_ns: u64,
) {
    match opened {
        Opened::Finding(id) => {
            if let Some(opened) = Detail::of(process, id) {
                let (excerpts, cursor) = (&model.excerpts, model.navigation.cursor);
                detail::draw(frame, theme, area, process, &opened, excerpts, cursor, now_ns);
            }
        }
        Opened::Site(spawned_at) => {
            if let Some(opened) = Site::of(process, spawned_at) {
                site::draw(frame, theme, area, process, &opened);
            }
        }
        Opened::Row(key) => {
            let opened = listed.table.rows.iter().find(|row| row.key == *key);
            match (opened, model.navigation.screen) {
                (Some(opened), Screen::Handlers) => {
                    handlers::draw_route(frame, theme, area, process, listed, opened);
                }
                (Some(opened), _) => {
                    row::draw(frame, theme, area, listed, opened);
                }
                (None, _) => {}
            }
        }
    }
}
