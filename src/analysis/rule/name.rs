use serde::{Deserialize, Serialize};
use std::fmt;

/// Stable names of what is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// One poll is longer than the threshold.
    #[default]
    BlockingPoll,
    /// A probe waited longer than the lag limit.
    LoopLag,
    /// The machine did not run the process.
    HostPause,
    /// A spawned task was not polled within its limit, though its runtime got on.
    NeverPolled,
    /// A watched future was dropped without one poll.
    NeverAwaited,
    /// A task failed, and nobody saw it.
    DetachedPanic,
    /// A task waits, and nothing can wake it.
    LostTask,
    /// The tasks of one spawn location only grow in number.
    TaskLeak,
    /// Work waited too long for the blocking pool.
    BlockingPool,
    /// Connections that are not closed, or only grow in number.
    SocketLeak,
    /// Connections wait to be accepted, and soon will be turned away.
    AcceptBacklog,
}

impl Rule {
    /// All rules.
    pub const ALL: &[Self] = &[
        Self::BlockingPoll,
        Self::LoopLag,
        Self::HostPause,
        Self::NeverPolled,
        Self::NeverAwaited,
        Self::DetachedPanic,
        Self::LostTask,
        Self::TaskLeak,
        Self::BlockingPool,
        Self::SocketLeak,
        Self::AcceptBacklog,
    ];

    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.to_string() == name)
    }

    /// What a finding of this rule says, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::BlockingPoll => "A poll blocks the event loop.",
            Self::LoopLag => "New work waits too long for the event loop.",
            Self::HostPause => "The machine did not run the process.",
            Self::NeverPolled => "A spawned task is not polled, though its runtime gets on.",
            Self::NeverAwaited => "A future is dropped without ever being awaited.",
            Self::DetachedPanic => "A task fails, and nobody sees it.",
            Self::LostTask => "A task waits, and nothing can wake it.",
            Self::TaskLeak => "The tasks that one line spawns only grow in number.",
            Self::BlockingPool => "Work waits too long for the blocking pool.",
            Self::SocketLeak => "Connections stay open, or only grow in number.",
            Self::AcceptBacklog => "Connections wait to be accepted, and soon will be turned away.",
        }
    }

    /// Why that is bad, and what is usually done about it. A finding's own help knows more.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::BlockingPoll => {
                "While one poll runs, its worker runs no other task. Use the async counterpart of the blocking call, move the \
                 work into tokio::task::spawn_blocking, or split a long computation with tokio::task::yield_now().await."
            }
            Self::LoopLag => {
                "Everything that becomes ready waits this long before it runs. Shorten the polls that it waits behind, move \
                 computing into tokio::task::spawn_blocking, or add workers where there is simply too much to do."
            }
            Self::HostPause => {
                "Nothing is wrong with the code: other processes, a limit on processor time or a suspended machine took the \
                 time. Give the process more, or measure on a quieter machine."
            }
            Self::NeverPolled => {
                "The task may wait in the one slot of a worker that no other takes from, until the poll that spawned it ends. \
                 Await something after the spawn, or do what takes long in tokio::task::spawn_blocking."
            }
            Self::NeverAwaited => {
                "A future does nothing until it is polled. Await it, hand it to tokio::spawn or tokio::join!, or do not make it."
            }
            Self::DetachedPanic => {
                "The task's handle was dropped, so its panic or error went nowhere. Handle the failure in the task, or await \
                 the handle and see to what it returns."
            }
            Self::LostTask => {
                "Whatever was to wake the task is gone, so it never runs again and keeps what it holds. Keep its waker or \
                 sender alive, or put a tokio::time::timeout around what it waits for."
            }
            Self::TaskLeak => {
                "More tasks are spawned than end, and each keeps memory. Bound what they wait for with a tokio::time::timeout, \
                 drop them with what they serve (JoinSet, AbortHandle), or bound them with a Semaphore."
            }
            Self::BlockingPool => {
                "All threads of the blocking pool are taken, so file access and name resolution of the whole program wait. \
                 Bound how many jobs are given to it, move what runs for long onto a thread of its own, or raise \
                 max_blocking_threads."
            }
            Self::SocketLeak => {
                "Each open connection keeps a file descriptor until there are none left. Drop a connection when reading it \
                 returns 0 bytes, give idle ones a timeout, and share one client with one pool."
            }
            Self::AcceptBacklog => {
                "A full accept queue turns clients away. Keep the task that accepts free of other work and its workers \
                 unblocked, or give listen() more room."
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BlockingPoll => "blocking-poll",
            Self::LoopLag => "loop-lag",
            Self::HostPause => "host-pause",
            Self::NeverPolled => "never-polled",
            Self::NeverAwaited => "never-awaited",
            Self::DetachedPanic => "detached-panic",
            Self::LostTask => "lost-task",
            Self::TaskLeak => "task-leak",
            Self::BlockingPool => "blocking-pool",
            Self::SocketLeak => "socket-leak",
            Self::AcceptBacklog => "accept-backlog",
        })
    }
}
