//! The process's open sockets: the kernel's list of them, joined with what the process holds, and compared with what was seen before.

mod ages;
mod groups;
mod netlink;
mod owned;
mod routes;
mod row;
mod table;

use crate::clock;
use ages::{Ages, Known};
use groups::Groups;
use owned::Owned;
use routes::Routes;
use row::{LISTEN, Row, TRANSPORTS};
use stallscope_wire::{Gap, Socket, Sockets, Transport};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;

/// Sockets that are listed.
const LISTED: usize = 256;
/// The share of a core that looks may take: one in so many.
const SHARE: u64 = 20;

/// The open sockets from look to look.
#[derive(Debug)]
pub(super) struct Watch {
    close_wait_ns: u64,
    ages: Ages,
    groups: Groups,
    routes: Routes,
    /// Before this time no look is had, since the last one took long.
    due_ns: u64,
    /// Of each table, why sock_diag does not tell it.
    refusals: [Option<io::ErrorKind>; TRANSPORTS.len()],
    gap_told: bool,
}

impl Watch {
    pub(super) fn new(close_wait_ns: u64) -> Self {
        Self {
            close_wait_ns,
            ages: Ages::default(),
            groups: Groups::new(),
            routes: Routes::default(),
            due_ns: 0,
            refusals: [None; TRANSPORTS.len()],
            gap_told: false,
        }
    }

    /// None when it is too early for another look.
    pub(super) fn look(&mut self, at_ns: u64) -> Option<Sockets> {
        if clock::now_ns() < self.due_ns {
            return None;
        }
        let begun_ns = run_ns();
        let owned = Owned::look();
        let mut rows = Vec::new();
        for (transport, refusal) in TRANSPORTS.into_iter().zip(&mut self.refusals) {
            read(transport, &owned, refusal, &mut rows);
        }
        self.groups.begin(&rows);
        self.ages.look(&rows, &owned, &mut self.groups, at_ns);
        self.routes.tidy(self.ages.iter().filter_map(|known| Some(known.row.connection()?.1)));
        let sockets = self.tell(at_ns);
        self.due_ns = clock::now_ns() + run_ns().saturating_sub(begun_ns) * SHARE;
        Some(sockets)
    }

    /// What cannot be seen of listeners, once.
    pub(super) fn gap(&mut self) -> Option<Gap> {
        let listens = self.ages.iter().any(|known| known.row.state == LISTEN);
        let refusal = self.refusals[0].filter(|_| listens && !self.gap_told)?;
        self.gap_told = true;
        Some(Gap::new(
            format!("how many connections may wait to be accepted: sock_diag is not to be had ({refusal})"),
            "let the process open netlink sockets (seccomp, RestrictAddressFamilies), on a kernel with inet_diag",
        ))
    }

    fn tell(&mut self, at_ns: u64) -> Sockets {
        let mut states = BTreeMap::new();
        let mut known: Vec<&Known> = self.ages.iter().collect();
        for known in &known {
            *states.entry(known.row.state_name()).or_insert(0) += 1;
            if let Some(place) = known.group.filter(|_| known.row.is_left_over()) {
                self.groups.left_over(place, known.in_state_ns(at_ns), self.close_wait_ns);
            }
        }
        let total = known.len() as u64;
        if known.len() > LISTED {
            known.select_nth_unstable_by_key(LISTED, |known| rank(known, at_ns));
            known.truncate(LISTED);
        }
        known.sort_unstable_by_key(|known| rank(known, at_ns));
        Sockets {
            at_ns,
            total,
            states: states.into_iter().map(|(state, count)| (state.to_owned(), count)).collect(),
            groups: self.groups.told(),
            sockets: known.into_iter().map(|known| self.socket(known, at_ns)).collect(),
        }
    }

    fn socket(&self, known: &Known, at_ns: u64) -> Socket {
        let row = &known.row;
        Socket {
            transport: row.transport,
            local: row.local.to_string(),
            peer: row.peer.map(|peer| peer.to_string()),
            state: row.state_name().to_owned(),
            receive_queue: row.receive_queue,
            send_queue: row.send_queue,
            age_ns: known.age_ns(at_ns),
            in_state_ns: known.in_state_ns(at_ns),
            route: known.group.and_then(|place| self.groups.key(place)?.route.clone()),
            inode: row.inode,
        }
    }
}

/// Listeners first, then what is left over, oldest first, then the fullest queues.
fn rank(known: &Known, at_ns: u64) -> (bool, bool, Reverse<u64>, Reverse<u64>, u64) {
    let row = &known.row;
    let left_over_ns = if row.is_left_over() { known.in_state_ns(at_ns) } else { 0 };
    let queued = row.receive_queue + row.send_queue;
    (row.state != LISTEN, !row.is_left_over(), Reverse(left_over_ns), Reverse(queued), row.inode)
}

/// For how long this thread has been run: on a busy machine a look takes longer than it costs. See the kernel's
/// `sched-stats`.
fn run_ns() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let run = told.as_ref().and_then(|told| told.split_ascii_whitespace().next()?.parse().ok());
    run.filter(|&run| run > 0).unwrap_or_else(clock::now_ns)
}

/// One table by sock_diag, else from `/proc`. What the kernel refuses once it is not asked for again.
fn read(transport: Transport, owned: &Owned, refusal: &mut Option<io::ErrorKind>, rows: &mut Vec<Row>) {
    let before = rows.len();
    match owned.cookies().filter(|_| refusal.is_none()) {
        Some(cookies) => match netlink::dump(transport, |cookie| cookies.contains(&cookie), rows) {
            Ok(()) => return,
            Err(error) if passes(&error) => {}
            Err(error) => *refusal = Some(error.kind()),
        },
        None if owned.inodes().is_empty() => return,
        None => *refusal = refusal.or(Some(io::ErrorKind::Unsupported)),
    }
    rows.truncate(before);
    table::read(transport, owned.inodes(), rows);
}

/// Memory or descriptors are short now, and need not be at the next look.
fn passes(error: &io::Error) -> bool {
    let codes = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EINTR, libc::EAGAIN];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests;
