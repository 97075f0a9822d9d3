//! What was connected, in a few lines.

use super::tables;
use crate::failure::clean;
use stallscope::analysis::{Connections, Listener, Sockets};
use stallscope_wire::duration::show;
use std::io::{self, Write};

/// The most groups that are told; the document has more.
const TOLD: usize = 5;

/// Writes the groups with most connections, those that leak first, and the accept queues in which something waited.
pub(super) fn write(out: &mut impl Write, sockets: &Sockets) -> io::Result<()> {
    for group in sockets.groups.iter().take(TOLD) {
        writeln!(out, "connections: {}", clean(of_group(group)))?;
    }
    let more = sockets.groups.len().saturating_sub(TOLD) as u64 + sockets.groups_left_out;
    if more > 0 {
        writeln!(out, "connections: {more} more groups are in the JSON report")?;
    }
    let waited = |listener: &&Listener| listener.most > 0;
    for listener in sockets.listeners.iter().filter(waited).take(TOLD) {
        let limit = listener.limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let address = clean(&listener.address);
        writeln!(out, "accept queue: {address}, up to {}{limit} waited at a look", listener.most)?;
    }
    Ok(())
}

fn of_group(group: &Connections) -> String {
    let served = tables::served(group);
    let (most, opened, closed) = (group.most, group.opened, group.closed);
    let overdue = if group.overdue > 0 {
        format!(", {} closed by the other side for up to {}", group.overdue, show(group.overdue_max_ns))
    } else {
        String::new()
    };
    format!("{served}, up to {most} open; {opened} opened, {closed} closed{overdue}")
}
