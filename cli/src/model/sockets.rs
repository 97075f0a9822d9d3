use super::ports::{Group, Port, backlogged, is_left_over};
use super::process::Process;
use super::table::{Cell, Column, Cut, Row, Sign, Table, Tone, Value};
use stallscope_wire::Socket;
use std::rc::Rc;

const COLUMNS: [Column; 10] = [
    Column::text("state", "state", 0, Cut::End, (6, 11)),
    Column::text("serves", "serves", 0, Cut::End, (16, 47)),
    Column::text("peer", "peer", 3, Cut::Start, (16, 47)).if_known(),
    Column::figure("open", "open", 1, 7).if_known(),
    Column::figure("close_wait", "CLOSE_WAIT", 1, 12).if_known(),
    Column::figure("close_wait_ns", "oldest", 1, 8).if_known(),
    Column::figure("grown", "+1m", 4, 7).if_known(),
    Column::figure("to_accept", "to accept", 2, 14).if_known(),
    Column::figure("unread_bytes", "unread", 2, 10).if_known(),
    Column::figure("unsent_bytes", "unsent", 3, 10).if_known(),
];

/// What is open: first what leaks or waits.
pub(super) fn table(process: &Process) -> Table {
    Table::new(&COLUMNS, None, process.ports.rows.iter().map(row).collect())
}

/// What of it tells something: an idle connection does not.
pub(crate) fn notable(process: &Process) -> Rc<Table> {
    let rows = || process.ports.rows.iter().take(process.ports.notable).map(row).collect();
    process.lists.notable.or_made(|| Table::new(&COLUMNS, None, rows()))
}

fn row(port: &Port) -> Row {
    match port {
        Port::Listener(listener) => of_listener(listener),
        Port::Group(group) => of_group(group),
        Port::Connection(connection) => of_connection(connection),
    }
}

/// Cells of which most are not known.
struct Cells(Vec<Cell>);

impl Cells {
    fn of(state: &str, serves: String) -> Self {
        let mut cells = vec![Cell::from(Value::Nothing); COLUMNS.len()];
        cells[0] = Cell::from(Value::text(state)).tone(Tone::Dim);
        cells[1] = Value::Text(serves).into();
        Self(cells)
    }

    fn set(&mut self, name: &str, cell: impl Into<Cell>) {
        if let Some(at) = COLUMNS.iter().position(|column| column.name == name) {
            self.0[at] = cell.into();
        }
    }
}

fn of_listener(listener: &Socket) -> Row {
    let mut cells = Cells::of(&listener.state, listener.local.clone());
    let full = backlogged(listener);
    // Not every kernel interface tells the limit.
    let limit = if listener.send_queue > 0 { format!("/{}", listener.send_queue) } else { String::new() };
    let word = if full { "FULL " } else { "" };
    let (waiting, tone) = (listener.receive_queue, if full { Tone::Bad } else { Tone::Plain });
    let told = Value::Words(format!("{word}{waiting}{limit}"), waiting as f64);
    cells.set("to_accept", Cell::from(told).tone(tone));
    let sign = if full { Sign::Accused } else { Sign::None };
    Row::new(key(listener), cells.0).with(sign)
}

fn of_group(group: &Group) -> Row {
    let told = &group.told;
    let served = match &told.route {
        Some(route) => format!("{route} on {}", told.address),
        None => told.address.clone(),
    };
    let way = if told.incoming { "in" } else { "out" };
    let key = format!("{way} {served}");
    let mut cells = Cells::of(way, served);
    cells.set("open", Value::Count(told.open));
    if told.close_wait > 0 {
        // Past the limit it is a finding.
        let tone = if told.overdue > 0 { Tone::Bad } else { Tone::Warning };
        cells.set("close_wait", Cell::from(Value::Count(told.close_wait)).tone(tone));
        cells.set("close_wait_ns", Cell::from(age(told.close_wait_ns)).tone(tone));
    }
    if group.grown > 0 {
        let grown = Value::Words(format!("+{}", group.grown), group.grown as f64);
        cells.set("grown", Cell::from(grown).tone(Tone::Dim));
    }
    let sign = if told.overdue > 0 { Sign::Accused } else { Sign::None };
    Row::new(key, cells.0).with(sign)
}

fn of_connection(connection: &Socket) -> Row {
    let served = match &connection.route {
        Some(route) => format!("{route} on {}", connection.local),
        None => connection.local.clone(),
    };
    let mut cells = Cells::of(&connection.state, served);
    cells.set("peer", connection.peer.clone().map_or(Value::Nothing, Value::Text));
    if is_left_over(connection) {
        cells.0[0].tone = Tone::Warning;
        cells.set("close_wait_ns", Cell::from(age(connection.in_state_ns)).tone(Tone::Warning));
    }
    let bytes = |bytes: u64| if bytes > 0 { Value::Bytes(bytes) } else { Value::Nothing };
    cells.set("unread_bytes", bytes(connection.receive_queue));
    cells.set("unsent_bytes", bytes(connection.send_queue));
    Row::new(key(connection), cells.0)
}

/// What was seen for the first time has no age yet.
fn age(ns: u64) -> Value {
    if ns == 0 { Value::Words("new".to_owned(), 0.0) } else { Value::Time(ns / 1_000_000 * 1_000_000) }
}

/// A connection is one as long as its inode is.
fn key(socket: &Socket) -> String {
    format!("{} {} {}", socket.inode, socket.local, socket.peer.as_deref().unwrap_or_default())
}
