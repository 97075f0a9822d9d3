use super::fit;
use super::list::{Place, lines, nothing, title};
use super::theme::Theme;
use crate::model::{Group, Port, Process, backlogged, is_left_over};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use stallscope_wire::Socket;
use stallscope_wire::duration::show;

/// The widest that addresses are drawn.
const ADDRESSES: usize = 47;
/// Less room than this is none for a name.
const SHORTEST: usize = 16;

/// How many sockets there are in each state, what they serve, and those in which something waits.
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
    let shown = if place.full || place.focused { ports.rows.len() } else { ports.notable };
    let width = usize::from(room.width);
    let row = |port: &Port| match port {
        Port::Listener(listener) => of_listener(theme, listener, width),
        Port::Group(group) => of_group(theme, group, width),
        Port::Connection(connection) => of_connection(theme, connection, width),
    };
    let rows = ports.rows[..shown].iter().map(row).collect();
    lines(frame, theme, room, rows, place.marked());
}

fn of_listener(theme: Theme, listener: &Socket, width: usize) -> Line<'static> {
    let state = state(&listener.state);
    let full = if backlogged(listener) { " FULL SOON" } else { "" };
    // Not every kernel interface tells the limit.
    let limit = if listener.send_queue > 0 { format!("/{}", listener.send_queue) } else { String::new() };
    let queue = format!("accept {}{limit}{full}", listener.receive_queue);
    let style = if backlogged(listener) { theme.bad() } else { theme.dim() };
    let room = width.saturating_sub(state.len() + queue.len() + 2);
    let address = fit::column(&listener.local, room.min(24));
    Line::from(vec![Span::raw(state), Span::raw(address + "  "), Span::styled(queue, style)])
}

fn of_group(theme: Theme, group: &Group, width: usize) -> Line<'static> {
    let told = &group.told;
    let way = if told.incoming { " in  " } else { " out " };
    // Past the limit it is a finding.
    let (open, style) = match (told.close_wait, told.overdue) {
        (0, _) => (format!("{} open", fit::count(told.open)), Style::new()),
        (waits, overdue) => (
            format!(
                "{}/{} CLOSE_WAIT {}",
                fit::count(waits),
                fit::count(told.open),
                show(told.close_wait_ns)
            ),
            if overdue > 0 { theme.bad() } else { theme.warning() },
        ),
    };
    let room = width.saturating_sub(way.len() + open.len() + 2);
    let grown = format!("  +{} in {}", fit::count(group.grown), show(group.within_ns));
    let grown = if group.grown > 0 && room > grown.len() + SHORTEST { grown } else { String::new() };
    let room = room.saturating_sub(grown.len()).min(ADDRESSES);
    let served = match &told.route {
        Some(route) if route.chars().count() + 4 + told.address.len() > room => route.clone(),
        Some(route) => format!("{route} on {}", told.address),
        None => told.address.clone(),
    };
    Line::from(vec![
        Span::styled(way, theme.dim()),
        Span::raw(fit::column(&served, room) + "  "),
        Span::styled(open, style),
        Span::styled(grown, theme.dim()),
    ])
}

fn of_connection(theme: Theme, connection: &Socket, width: usize) -> Line<'static> {
    let state = state(&connection.state);
    let mut known = Vec::new();
    if is_left_over(connection) {
        known.push(show(connection.in_state_ns).to_string());
    }
    match (connection.receive_queue, connection.send_queue) {
        (0, 0) => {}
        (unread, 0) => known.push(format!("unread {}", bytes(unread))),
        (0, unsent) => known.push(format!("unsent {}", bytes(unsent))),
        (unread, unsent) => known.push(format!("unread {}, unsent {}", bytes(unread), bytes(unsent))),
    }
    // Its group has said it.
    known.extend(connection.route.clone().filter(|_| width > 2 * ADDRESSES));
    let known = known.join(", ");
    let room = width.saturating_sub(state.len() + known.chars().count() + 2);
    let addresses = match &connection.peer {
        // The other side tells connections apart.
        Some(peer) if room < SHORTEST + peer.len() => peer.clone(),
        Some(peer) => format!("{} ↔ {peer}", connection.local),
        None => connection.local.clone(),
    };
    let address = fit::column(&addresses, room.min(ADDRESSES));
    let (of_state, of_known) = if is_left_over(connection) {
        (theme.warning(), theme.warning())
    } else {
        (theme.dim(), Style::new())
    };
    Line::from(vec![Span::styled(state, of_state), Span::raw(address + "  "), Span::styled(known, of_known)])
}

fn state(name: &str) -> String {
    format!(" {:<12}", fit::end(name, 11))
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes}B"),
        1024..=1_048_575 => format!("{:.1}KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1}MiB", bytes as f64 / 1_048_576.0),
    }
}
