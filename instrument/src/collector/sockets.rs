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
use std::collections::{BTreeMap, HashSet};
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
    /// Why there was no look, the first time that there could be none, and whether that was told.
    blind: Option<(io::ErrorKind, bool)>,
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
            blind: None,
        }
    }

    /// None when it is too early for another look, or when none can be had: then all stays as it was seen last, and is not taken to
    /// be closed.
    pub(super) fn look(&mut self, at_ns: u64) -> Option<Sockets> {
        if clock::now_ns() < self.due_ns {
            return None;
        }
        let (begun_ns, ran_ns) = (clock::now_ns(), run_ns());
        let sockets = match self.see() {
            Ok((rows, owned)) => Some(self.take_in(&rows, &owned, at_ns)),
            Err(error) => {
                self.blind.get_or_insert((error.kind(), false));
                None
            }
        };
        let ended_ns = clock::now_ns();
        let cost_ns = match (ran_ns, run_ns()) {
            (Some(before_ns), Some(after_ns)) => after_ns.saturating_sub(before_ns),
            _ => ended_ns.saturating_sub(begun_ns),
        };
        self.due_ns = ended_ns.saturating_add(cost_ns.saturating_mul(SHARE));
        sockets
    }

    /// What the kernel lists, and what the process holds.
    fn see(&mut self) -> io::Result<(Vec<Row>, Owned)> {
        let mut owned = Owned::look()?;
        let mut rows = Vec::new();
        for (transport, refusal) in TRANSPORTS.into_iter().zip(&mut self.refusals) {
            let refused = refusal.is_some();
            let read = read(transport, &mut owned, refusal, &mut rows);
            if !refused && refusal.is_some() {
                // From now on its sockets are known by other numbers.
                self.ages.forget(transport, &mut self.groups);
            }
            read?;
        }
        Ok((rows, owned))
    }

    fn take_in(&mut self, rows: &[Row], owned: &Owned, at_ns: u64) -> Sockets {
        self.groups.begin(rows);
        self.ages.look(rows, owned, &mut self.groups, at_ns);
        self.routes.tidy(self.ages.iter().filter_map(|known| Some(known.row.connection()?.1)));
        self.tell(at_ns)
    }

    /// What cannot be seen, each once.
    pub(super) fn gap(&mut self) -> Option<Gap> {
        if let Some((why, told @ false)) = &mut self.blind {
            *told = true;
            return Some(Gap::new(
                format!("the open sockets, while the kernel cannot be asked for them ({why})"),
                "see to it that the process has descriptors left (ulimit -n), and let it read /proc/self",
            ));
        }
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

/// Sockets in a line of words each, as far as the kernel lists them, which it does not for those of Unix.
pub(crate) fn in_words(inodes: &HashSet<u64>) -> Vec<String> {
    let mut rows = Vec::new();
    for transport in TRANSPORTS {
        // What cannot be read now is told without addresses.
        let _ = table::read(transport, inodes, &mut rows);
    }
    let mut words: Vec<_> = rows.iter().map(Row::in_words).collect();
    words.sort();
    let others = inodes.len().saturating_sub(rows.len());
    words.extend((0..others).map(|_| "one that is neither TCP nor UDP".to_owned()));
    words
}

/// Listeners first, then what is left over, oldest first, then the fullest queues.
fn rank(known: &Known, at_ns: u64) -> (bool, bool, Reverse<u64>, Reverse<u64>, u64) {
    let row = &known.row;
    let left_over_ns = if row.is_left_over() { known.in_state_ns(at_ns) } else { 0 };
    let queued = row.receive_queue + row.send_queue;
    (row.state != LISTEN, !row.is_left_over(), Reverse(left_over_ns), Reverse(queued), row.inode)
}

/// For how long this thread has been run: on a busy machine a look takes longer than it costs. See the kernel's
/// `sched-stats`. None where it is not told, or no descriptor is left to read it.
fn run_ns() -> Option<u64> {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let run = told.as_ref().and_then(|told| told.split_ascii_whitespace().next()?.parse().ok());
    run.filter(|&run| run > 0)
}

/// One table by sock_diag, else from `/proc`. What the kernel refuses once it is not asked for again.
///
/// # Errors
/// Neither can be read now. A table of which nothing is known must not pass for an empty one.
fn read(
    transport: Transport,
    owned: &mut Owned,
    refusal: &mut Option<io::ErrorKind>,
    rows: &mut Vec<Row>,
) -> io::Result<()> {
    if refusal.is_none()
        && let Some(cookies) = owned.cookies()
    {
        let before = rows.len();
        match netlink::dump(transport, |cookie| cookies.contains(&cookie), rows) {
            Ok(()) => return Ok(()),
            Err(error) if passes(&error) => return Err(error),
            Err(error) => *refusal = Some(error.kind()),
        }
        rows.truncate(before);
    }
    let own = owned.inodes()?;
    if !own.is_empty() {
        refusal.get_or_insert(io::ErrorKind::Unsupported);
        table::read(transport, own, rows)?;
    }
    Ok(())
}

/// Memory or descriptors are short now, and need not be at the next look.
fn passes(error: &io::Error) -> bool {
    let codes = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EINTR];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests;
