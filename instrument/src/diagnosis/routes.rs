//! Whose requests waited behind a stall: known a moment after its end, when they have been polled.

use crate::clock;
use crate::serving;
use stallscope_wire::{Phase, Stall};
use std::collections::VecDeque;
use std::time::Duration;

/// By then the thread has come to most of what has waited for it, in nanoseconds.
const SETTLED_NS: u64 = 50_000_000;
/// Stalls that may be in this state; the routes of more are not told.
const ROOM: usize = 64;

/// The stalls that have just ended.
#[derive(Debug, Default)]
pub(super) struct Settling(VecDeque<Stall>);

impl Settling {
    /// Takes note of a line that was told.
    pub(super) fn note(&mut self, stall: &Stall) {
        if stall.phase == Phase::End && self.0.len() < ROOM && serving::any() {
            self.0.push_back(Stall { stack: None, ..stall.clone() });
        }
    }

    /// For how long there is nothing to tell; none when nothing is awaited.
    pub(super) fn patience(&self) -> Option<Duration> {
        let due_ns = self.0.front()?.at_ns.saturating_add(SETTLED_NS);
        Some(Duration::from_nanos(due_ns.saturating_sub(clock::now_ns())))
    }

    /// The last lines of stalls that ended a while ago, or, at the `end` of all, of each: those that requests waited behind.
    pub(super) fn take(&mut self, end: bool) -> Vec<Stall> {
        let now_ns = clock::now_ns();
        let is_due = |stall: &&Stall| end || stall.at_ns.saturating_add(SETTLED_NS) <= now_ns;
        let due = self.0.iter().take_while(is_due).count();
        let mut told = Vec::new();
        for mut stall in self.0.drain(..due) {
            let ended_ns = stall.started_ns.saturating_add(stall.duration_ns);
            let unread = stall.victims.sockets;
            stall.victims.routes = serving::behind(stall.thread.tid, stall.started_ns, ended_ns, unread);
            if !stall.victims.routes.is_empty() {
                stall.at_ns = now_ns;
                told.push(stall);
            }
        }
        told
    }
}
