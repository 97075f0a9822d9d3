use super::list::{lines, nothing, title};
use super::table;
use super::theme::Theme;
use crate::model::{Listed, Process, Spots, notable};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// How many sockets there are in each state, and all that are listed.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    theme: Theme,
    area: Rect,
    process: &Process,
    listed: &Listed,
) -> Spots {
    match head(frame, theme, area, process) {
        Some(room) if listed.table.total > 0 => table::draw(frame, theme, room, listed),
        _ => Spots::default(),
    }
}

/// How many sockets there are in each state, what they serve, and those in which something waits.
pub(super) fn draw_pane(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process) {
    let notable = notable(process);
    if let Some(room) = head(frame, theme, area, process).filter(|_| !notable.rows.is_empty()) {
        table::draw_beginning(frame, theme, room, &notable);
    }
}

/// The states, and the room below; none where there is nothing to list.
fn head(frame: &mut Frame<'_>, theme: Theme, area: Rect, process: &Process) -> Option<Rect> {
    let ports = &process.ports;
    let room = title(frame, theme, area, "Sockets", &format!("{} open", ports.total));
    if ports.total == 0 {
        lines(frame, theme, room, nothing(theme, "none open"), None);
        return None;
    }
    let mut states = vec![Span::raw(" ")];
    for (state, count) in &ports.states {
        // Its peer has closed, and the process has not noticed: what leaks looks like this.
        let style = if state == "CLOSE_WAIT" { theme.warning() } else { theme.dim() };
        states.push(Span::styled(format!("{count} "), theme.strong()));
        states.push(Span::styled(format!("{state}  "), style));
    }
    if ports.unlisted > 0 {
        states.push(Span::styled(format!("{} not listed", ports.unlisted), theme.dim()));
    }
    let height = room.height.min(1);
    frame.render_widget(Line::from(states), Rect { height, ..room });
    Some(Rect { y: room.y + height, height: room.height - height, ..room })
}
