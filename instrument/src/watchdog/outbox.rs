//! What the watchdog tells the diagnosis, without ever waiting for it.

use super::routes::Settling;
use crate::diagnosis::Report;
use crate::engine::Losses;
use stallscope_wire::Phase;
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, TrySendError};

/// Ends of stalls and of waits for a pool that are kept while the diagnosis is busy.
const KEPT: usize = 1024;

/// The writing end of the queue. What finds it full is counted, but for the ends of what lasts: without its end a stall
/// would go on for ever.
#[derive(Debug)]
pub(super) struct Outbox<'a> {
    queue: &'a SyncSender<Report>,
    losses: &'a Losses,
    unsent: VecDeque<Report>,
    settling: Settling,
}

impl<'a> Outbox<'a> {
    pub(super) fn new(queue: &'a SyncSender<Report>, losses: &'a Losses) -> Self {
        Self { queue, losses, unsent: VecDeque::new(), settling: Settling::default() }
    }

    pub(super) fn tell(&mut self, report: Report) {
        self.send_kept();
        if let Report::Stall(stall) = &report {
            self.settling.note(stall);
        }
        let must_arrive = match &report {
            Report::Stall(stall) => stall.phase == Phase::End,
            Report::Pool(pool) => !pool.wait.ongoing,
            _ => false,
        };
        let report = if self.unsent.is_empty() {
            match self.queue.try_send(report) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(report)) => report,
            }
        } else {
            report
        };
        if must_arrive && self.unsent.len() < KEPT {
            self.unsent.push_back(report);
        } else {
            self.losses.events.fetch_add(1, Relaxed);
        }
    }

    /// Tells whose requests waited behind the stalls that ended a while ago.
    pub(super) fn settle(&mut self, now_ns: u64) {
        while let Some((id, routes)) = self.settling.next(now_ns) {
            self.tell(Report::Routes { id, routes });
        }
    }

    /// When there will be more of that to tell, in nanoseconds since the start.
    pub(super) fn due_ns(&self) -> Option<u64> {
        self.settling.due_ns()
    }

    /// A stack could not be had.
    pub(super) fn lose_stack(&self) {
        self.losses.stacks.fetch_add(1, Relaxed);
    }

    /// Whether anything is kept.
    pub(super) fn keeps(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends what is kept, as far as there is room.
    pub(super) fn send_kept(&mut self) {
        while let Some(report) = self.unsent.pop_front() {
            if let Err(TrySendError::Full(report)) = self.queue.try_send(report) {
                return self.unsent.push_front(report);
            }
        }
    }

    /// Sends a request behind everything else, and waits for room: whoever asked waits too, with a limit of its own.
    pub(super) fn send(&mut self, request: Report) {
        for report in self.unsent.drain(..).chain([request]) {
            let _ = self.queue.send(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Pause;
    use std::sync::mpsc::{channel, sync_channel};

    #[test]
    fn what_finds_the_queue_full_is_counted() {
        let (queue, reports) = sync_channel(1);
        let losses = Losses::default();
        let mut outbox = Outbox::new(&queue, &losses);
        outbox.tell(Report::Pause(Pause::default()));
        outbox.tell(Report::Pause(Pause::default()));
        assert_eq!(losses.events.load(Relaxed), 1);
        drop(reports.recv());
        outbox.send(Report::Flush(channel().0));
        assert!(matches!(reports.recv(), Ok(Report::Flush(_))));
    }
}
