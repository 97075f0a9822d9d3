//! Whose requests waited behind a stall: known a moment after its end, when they have been polled.

use super::stalls::StallReport;
use crate::serving;
use stallscope_wire::{Phase, RouteVictims};
use std::collections::VecDeque;

/// By then the thread has come to most of what has waited for it, in nanoseconds.
const SETTLED_NS: u64 = 50_000_000;
/// Stalls that may be in this state; the routes of more are not told.
const ROOM: usize = 64;

/// The stalls that have just ended.
#[derive(Debug, Default)]
pub(super) struct Settling(VecDeque<Ended>);

#[derive(Debug)]
struct Ended {
    id: u64,
    tid: i32,
    started_ns: u64,
    ended_ns: u64,
    /// Sockets that something had come to, and nobody was free to take it.
    unread: Option<u64>,
    due_ns: u64,
}

impl Settling {
    /// Takes note of what is told.
    pub(super) fn note(&mut self, report: &StallReport) {
        if report.phase != Phase::End || self.0.len() >= ROOM || !serving::any() {
            return;
        }
        self.0.push_back(Ended {
            id: report.id,
            tid: report.thread.tid,
            started_ns: report.started_ns,
            ended_ns: report.started_ns.saturating_add(report.duration_ns),
            unread: report.victims.sockets,
            due_ns: report.at_ns.saturating_add(SETTLED_NS),
        });
    }

    /// When there is something to tell, in nanoseconds since the start.
    pub(super) fn due_ns(&self) -> Option<u64> {
        self.0.front().map(|ended| ended.due_ns)
    }

    /// The next stall that ended long enough before `now_ns` and that requests waited behind: its id, and their routes.
    pub(super) fn next(&mut self, now_ns: u64) -> Option<(u64, Vec<RouteVictims>)> {
        while self.due_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            let Ended { id, tid, started_ns, ended_ns, unread, .. } = self.0.pop_front()?;
            let routes = serving::behind(tid, started_ns, ended_ns, unread);
            if !routes.is_empty() {
                return Some((id, routes));
            }
        }
        None
    }
}
