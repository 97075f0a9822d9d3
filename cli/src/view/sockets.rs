use super::fit;
use super::list::{Place, lines, nothing, title};
use super::theme::Theme;
use crate::model::{Process, backlogged, listens};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stallscope_wire::Socket;

/// How many sockets there are in each state, and those in which something waits.
pub(super) fn draw(frame: &mut Frame<'_>, theme: Theme, place: Place, process: &Process) {
    let ports = &process.ports;
    let mut room = title(frame, theme, place, "Sockets", &format!("{} open", ports.total));
    if ports.total == 0 {
        return lines(frame, theme, room, nothing(theme, "none open"), None);
    }
    if room.height == 0 {
        return;
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
    frame.render_widget(Line::from(states), Rect { height: 1, ..room });
    room.y += 1;
    room.height -= 1;
    let shown = if place.full || place.focused { ports.sockets.len() } else { ports.notable };
    let width = usize::from(room.width);
    let rows = ports.sockets[..shown].iter().map(|socket| line(theme, socket, width)).collect();
    lines(frame, theme, room, rows, place.marked());
}

fn line(theme: Theme, socket: &Socket, width: usize) -> Line<'static> {
    let state = format!(" {:<12}", fit::end(&socket.state, 11));
    let room = width.saturating_sub(state.len());
    if listens(socket) {
        let full = if backlogged(socket) { " FULL SOON" } else { "" };
        // Not every kernel interface tells the limit.
        let limit = if socket.send_queue > 0 { format!("/{}", socket.send_queue) } else { String::new() };
        let queue = format!("accept {}{limit}{full}", socket.receive_queue);
        let style = if backlogged(socket) { theme.bad() } else { theme.dim() };
        let address = fit::column(&socket.local, room.saturating_sub(queue.len() + 2).min(24));
        return Line::from(vec![Span::raw(state), Span::raw(address + "  "), Span::styled(queue, style)]);
    }
    let queues = match (socket.receive_queue, socket.send_queue) {
        (0, 0) => String::new(),
        (unread, 0) => format!("unread {}", bytes(unread)),
        (0, unsent) => format!("unsent {}", bytes(unsent)),
        (unread, unsent) => format!("unread {}, unsent {}", bytes(unread), bytes(unsent)),
    };
    let addresses = match &socket.peer {
        Some(peer) => format!("{} ↔ {peer}", socket.local),
        None => socket.local.clone(),
    };
    let address = fit::column(&addresses, room.saturating_sub(queues.len() + 2).min(47));
    Line::from(vec![
        Span::styled(state, if socket.state == "CLOSE_WAIT" { theme.warning() } else { theme.dim() }),
        Span::raw(address + "  "),
        Span::raw(queues),
    ])
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes}B"),
        1024..=1_048_575 => format!("{:.1}KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1}MiB", bytes as f64 / 1_048_576.0),
    }
}
