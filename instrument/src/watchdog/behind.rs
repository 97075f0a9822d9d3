//! What waits behind the threads of a runtime: who is to be counted behind which of them.

use super::unread::{Found, Unread};
use super::watch::Watch;
use crate::runtime::Runtime;
use stallscope_wire::Victims;
use std::sync::Arc;

/// What waits behind one thread, beside the tasks in its own queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind {
    /// No thread of the runtime is free, and this one has been at one thing longest: what waits for any of them is counted
    /// behind it, or it would be counted once for each.
    pub(super) all: bool,
    /// Sockets with something to take that nobody is free to take; none where that cannot be told.
    pub(super) sockets: Option<u64>,
    /// How long they have waited altogether since this was told last.
    pub(super) delay_ns: u64,
}

impl Behind {
    pub(super) const NOTHING: Self = Self { all: false, sockets: Some(0), delay_ns: 0 };
}

/// The runtimes' sockets.
#[derive(Debug, Default)]
pub(super) struct Loops(Vec<(Arc<Runtime>, Unread)>);

impl Loops {
    /// What waits behind each of the threads, in their order.
    pub(super) fn look(&mut self, watches: &[Watch], now_ns: u64) -> Vec<Behind> {
        self.take_up(watches);
        let mut behind = vec![Behind::NOTHING; watches.len()];
        for (runtime, unread) in &mut self.0 {
            let of_it =
                |(_, watch): &(usize, &Watch)| watch.is_worker_of(runtime.id) && !watch.is_elsewhere();
            let workers: Vec<_> = watches.iter().enumerate().filter(of_it).collect();
            if unread.wants_thread(now_ns) {
                unread.ask(workers.iter().filter_map(|(_, watch)| watch.parked()), now_ns);
            }
            let stuck: Vec<_> =
                workers.iter().filter_map(|(at, watch)| Some((watch.stuck_since()?, *at))).collect();
            let none_is_free = stuck.len() == workers.len() && stuck.len() >= runtime.workers();
            let (Some(&(_, longest)), Some(&(since_ns, _)), true) =
                (stuck.iter().min(), stuck.iter().max(), none_is_free)
            else {
                unread.free();
                continue;
            };
            let stall = now_ns.saturating_sub(since_ns) >= runtime.settings.threshold_ns;
            let found = unread.look(since_ns, now_ns, stall);
            let Found { delay_ns, .. } = found.unwrap_or_default();
            behind[longest] = Behind { all: true, sockets: found.map(|found| found.waiting), delay_ns };
        }
        behind
    }

    fn take_up(&mut self, watches: &[Watch]) {
        self.0.retain(|(runtime, _)| watches.iter().any(|watch| watch.runtime_id() == runtime.id));
        for watch in watches {
            if !self.0.iter().any(|(runtime, _)| runtime.id == watch.runtime_id()) {
                self.0.push((Arc::clone(watch.runtime()), Unread::default()));
            }
        }
    }
}

/// What has waited behind a poll so far.
#[derive(Debug)]
pub(super) struct Waits {
    pub(super) victims: Victims,
    /// Ready tasks behind it, and sockets with something for tasks, at the last look.
    tasks: u64,
    sockets: u64,
    /// Up to when their waits are in the sum.
    until_ns: u64,
}

impl Waits {
    pub(super) fn since(started_ns: u64) -> Self {
        Self { victims: Victims::default(), tasks: 0, sockets: 0, until_ns: started_ns }
    }

    /// Takes in what waits now. The tasks of a queue came one after the other since the last look.
    pub(super) fn note(&mut self, now_ns: u64, tasks: u64, behind: Behind) {
        let elapsed_ns = now_ns.saturating_sub(self.until_ns);
        let tasks_ns = (self.tasks + tasks).saturating_mul(elapsed_ns) / 2;
        let victims = &mut self.victims;
        victims.tasks = victims.tasks.max(tasks);
        victims.sockets = victims.sockets.max(behind.sockets);
        victims.delay_ns = victims.delay_ns.saturating_add(tasks_ns).saturating_add(behind.delay_ns);
        (self.tasks, self.sockets, self.until_ns) = (tasks, behind.sockets.unwrap_or(0), now_ns);
    }

    /// All that is known once the poll is over: what waited at the last look did so until the end.
    pub(super) fn end(mut self, ended_ns: u64) -> Victims {
        let more_ns = (self.tasks + self.sockets).saturating_mul(ended_ns.saturating_sub(self.until_ns));
        self.victims.delay_ns = self.victims.delay_ns.saturating_add(more_ns);
        self.victims
    }
}
