//! Whose requests waited behind a stall: known a moment after its end, when they have been polled.

use super::stalls::StallReport;
use crate::serving;
use stallscope_wire::{Phase, RouteVictims};
use std::collections::VecDeque;

/// By then a thread that is run has come to most of what has waited for it, in nanoseconds; so long later it is asked again.
const SETTLED_NS: u64 = 50_000_000;
/// By then nobody waits any more for a thread that has not come to all of it.
const GIVEN_UP_NS: u64 = 1_000_000_000;
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

impl Ended {
    fn routes(&self) -> Vec<RouteVictims> {
        serving::behind(self.tid, self.started_ns, self.ended_ns, self.unread)
    }

    /// Each socket that something had come to may be a request's.
    fn may_have_more(&self, routes: &[RouteVictims]) -> bool {
        let requests: u64 = routes.iter().map(|victims| victims.requests).sum();
        self.unread.is_some_and(|sockets| requests < sockets)
    }
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
        self.next_of(now_ns, Ended::routes)
    }

    fn next_of(
        &mut self,
        now_ns: u64,
        routes: impl Fn(&Ended) -> Vec<RouteVictims>,
    ) -> Option<(u64, Vec<RouteVictims>)> {
        while self.due_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            let ended = self.0.pop_front()?;
            let routes = routes(&ended);
            if ended.may_have_more(&routes) && now_ns < ended.ended_ns.saturating_add(GIVEN_UP_NS) {
                // Behind all others: none of them is due later.
                self.0.push_back(Ended { due_ns: now_ns.saturating_add(SETTLED_NS), ..ended });
            } else if !routes.is_empty() {
                return Some((ended.id, routes));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Two stalls that are over, of which the second kept sockets waiting.
    fn settling() -> Settling {
        let ended =
            |id, unread| Ended { id, tid: 1, started_ns: 0, ended_ns: 100 * MS, unread, due_ns: 150 * MS };
        Settling(VecDeque::from([ended(1, None), ended(2, Some(3))]))
    }

    fn requests(requests: u64) -> Vec<RouteVictims> {
        vec![RouteVictims { route: "GET /".into(), requests }]
    }

    #[test]
    fn a_thread_that_was_not_run_is_asked_again() {
        let mut settling = settling();
        assert_eq!(settling.next_of(149 * MS, |_| requests(1)), None, "neither is due");
        assert_eq!(settling.next_of(150 * MS, |_| requests(1)), Some((1, requests(1))));
        assert_eq!(settling.next_of(150 * MS, |_| requests(1)), None, "more may come");
        assert_eq!(settling.due_ns(), Some(200 * MS));
        assert_eq!(settling.next_of(200 * MS, |_| requests(3)), Some((2, requests(3))));
        assert_eq!(settling.due_ns(), None);
    }

    #[test]
    fn what_never_comes_is_not_waited_for() {
        let mut settling = settling();
        assert_eq!(settling.next_of(160 * MS, |_| Vec::new()), None);
        assert_eq!(settling.due_ns(), Some(210 * MS), "the first had no more to come");
        assert_eq!(settling.next_of(1_100 * MS, |_| requests(1)), Some((2, requests(1))));
        assert_eq!(settling.due_ns(), None);
    }
}
