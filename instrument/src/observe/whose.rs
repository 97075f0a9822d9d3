//! Which of a runtime's stalls are a scope's.

use crate::capture::thread::tid;
use crate::clock;
use stallscope_wire::{Lag, Owner, Stall};
use std::collections::HashSet;
use std::task::Poll;

/// Polls of the scope's own future that are shorter are no stall's, in nanoseconds.
const LONG_NS: u64 = 1_000_000;
/// Long polls that are remembered.
const REMEMBERED: usize = 4096;

/// Tells a scope's stalls by the task that they were in, or, where its own future is polled, by the thread and the time.
#[derive(Debug)]
pub struct Whose {
    /// tokio's ids.
    tasks: HashSet<u64>,
    /// The long polls of its own future.
    polls: Vec<LongPoll>,
    /// Some of either were not kept: what cannot be told apart is taken to be the scope's.
    forgot: bool,
    began_ns: u64,
    ended_ns: u64,
}

/// A thread, and from when to when it was at something, in nanoseconds since the start.
#[derive(Debug)]
struct LongPoll {
    tid: i32,
    from_ns: u64,
    to_ns: u64,
}

impl Whose {
    pub(super) fn begin() -> Self {
        let now_ns = clock::now_ns();
        Self { tasks: HashSet::new(), polls: Vec::new(), forgot: false, began_ns: now_ns, ended_ns: u64::MAX }
    }

    pub(super) fn end(&mut self) {
        self.ended_ns = clock::now_ns();
    }

    pub(super) fn take(&mut self, tasks: HashSet<u64>, forgot: bool) {
        (self.tasks, self.forgot) = (tasks, self.forgot || forgot);
    }

    /// A poll of the scope's own future.
    pub(super) fn timed<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let from_ns = clock::now_ns();
        let polled = poll();
        let to_ns = clock::now_ns();
        if to_ns - from_ns >= LONG_NS {
            if self.polls.len() < REMEMBERED {
                self.polls.push(LongPoll { tid: tid(), from_ns, to_ns });
            } else {
                self.forgot = true;
            }
        }
        polled
    }

    /// Whether a stall is the scope's. Where nothing tells whose task it was in, one of its runtime and its time is.
    #[must_use]
    pub fn is_of_scope(&self, stall: &Stall) -> bool {
        let (from_ns, to_ns) = (stall.started_ns, stall.started_ns.saturating_add(stall.duration_ns));
        if to_ns <= self.began_ns || from_ns >= self.ended_ns {
            return false;
        }
        let least_ns = stall.duration_ns / 2;
        let own = self.polls.iter().filter(|poll| poll.tid == stall.thread.tid).any(|poll| {
            let overlap_ns = poll.to_ns.min(to_ns).saturating_sub(poll.from_ns.max(from_ns));
            overlap_ns >= least_ns
        });
        let of_task = match (&stall.task, stall.owner) {
            (Some(task), _) => self.tasks.contains(&task.id),
            (None, Owner::Task) => true,
            // Of a root future, or a task of a `LocalSet`, its own polls tell.
            (None, _) => false,
        };
        own || of_task || self.forgot
    }

    /// The part of a wait that lies in the scope's time; none where nothing of it does. What the host made longer is taken to be
    /// of this part, since nobody knows when in the wait it was.
    #[must_use]
    pub fn part_in_scope(&self, lag: &Lag) -> Option<Lag> {
        let from_ns = lag.at_ns.saturating_sub(lag.wait_ns).max(self.began_ns);
        let wait_ns = lag.at_ns.min(self.ended_ns).checked_sub(from_ns).filter(|&ns| ns > 0)?;
        let host_ns = lag.wait_ns.saturating_sub(lag.attributable_ns);
        Some(Lag { wait_ns, attributable_ns: wait_ns.saturating_sub(host_ns), ..lag.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Task, Thread};

    fn scope() -> Whose {
        Whose {
            tasks: HashSet::from([7]),
            polls: vec![LongPoll { tid: 3, from_ns: 100, to_ns: 200 }],
            forgot: false,
            began_ns: 50,
            ended_ns: 1_000,
        }
    }

    fn stall(started_ns: u64, duration_ns: u64, tid: i32, task: Option<u64>) -> Stall {
        let owner = if task.is_some() { Owner::Task } else { Owner::Root };
        Stall {
            started_ns,
            duration_ns,
            owner,
            thread: Thread { tid, ..Thread::default() },
            task: task.map(|id| Task { id, ..Task::default() }),
            ..Stall::default()
        }
    }

    #[test]
    fn a_stall_is_told_by_its_task_or_by_the_poll_that_it_was_in() {
        for (stall, is, why) in [
            (stall(300, 50, 3, Some(7)), true, "its task"),
            (stall(300, 50, 3, Some(8)), false, "another's task"),
            (stall(90, 110, 3, None), true, "its own future's poll"),
            (stall(90, 110, 4, None), false, "another thread"),
            (stall(190, 600, 3, None), false, "hardly anything of it is in its own poll"),
            (stall(100, 100, 3, Some(8)), true, "it is polled by another one's task"),
            (stall(2_000, 50, 3, Some(7)), false, "it is over"),
        ] {
            assert_eq!(scope().is_of_scope(&stall), is, "{why}");
        }
        let untold = Stall { owner: Owner::Task, ..stall(300, 50, 3, None) };
        assert!(scope().is_of_scope(&untold), "nothing tells which task it was");
    }
}
