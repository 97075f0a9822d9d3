//! What is blocked in, and what is to be said of it.

use stallscope::analysis::Rule;

/// One way to block, or to lose work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// The trial that does it, which is also the function that blocks.
    pub(super) trial: &'static str,
    /// What it is, for people.
    pub(super) about: &'static str,
    pub(super) expected: Expected,
    /// Why it is not seen in the tier sampled; none where it is.
    pub(super) unsampled: Option<&'static str>,
}

/// What is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A finding of this rule with the place that the trial names, and one of these causes; any, where none is given.
    Place(Rule, &'static [&'static str]),
    /// A finding of this rule that accuses no place, with this cause.
    Anywhere(Rule, &'static str),
    /// Nothing that accuses the program.
    Nothing,
}

const NO_HOOK: Option<&str> = Some("no hook tells of the tasks (tier sampled)");
const NO_POOL: Option<&str> = Some("the pool is not looked at (tier sampled)");

const fn blocks(trial: &'static str, about: &'static str, causes: &'static [&'static str]) -> Way {
    let expected = Expected::Place(Rule::BlockingPoll, causes);
    Way { trial, about, expected, unsampled: None }
}

const fn loses(trial: &'static str, about: &'static str, rule: Rule, unsampled: Option<&'static str>) -> Way {
    Way { trial, about, expected: Expected::Place(rule, &[]), unsampled }
}

/// In the order in which they are told.
pub(super) const WAYS: [Way; 26] = [
    blocks("std_sleep", "a thread's sleep", &["syscall clock_nanosleep"]),
    blocks("file_read", "a file that is slow", &["syscall read"]),
    blocks("pipe_read", "a pipe that is empty", &["syscall read"]),
    blocks("tcp_read", "a peer that is silent", &["syscall recvfrom"]),
    blocks("accept", "a client that does not come", &["syscall accept4", "syscall accept"]),
    blocks("name_lookup", "a name server that is far", &["syscall recvfrom"]),
    blocks("computing", "a computation", &["cpu"]),
    blocks("mutex", "a mutex", &["lock mutex"]),
    blocks("rwlock", "an rwlock", &["lock rwlock"]),
    blocks("condvar", "a condition variable", &["lock condvar"]),
    blocks("channel", "a channel", &["lock channel"]),
    blocks("join", "another thread's end", &["lock join"]),
    blocks("park", "a parked thread", &["lock park"]),
    blocks("root_future", "a sleep in the root future", &["syscall clock_nanosleep"]),
    blocks("in_a_local_set", "a sleep in a LocalSet", &["syscall clock_nanosleep"]),
    loses("never_awaited", "a future never awaited", Rule::NeverAwaited, None),
    loses("never_polled", "a task never polled", Rule::NeverPolled, NO_HOOK),
    loses("detached_panic", "a panic that nobody sees", Rule::DetachedPanic, None),
    loses("lost_task", "a task that nothing wakes", Rule::LostTask, None),
    loses("task_leak", "tasks that only grow", Rule::TaskLeak, NO_HOOK),
    loses("blocking_pool", "a blocking pool that is full", Rule::BlockingPool, NO_POOL),
    loses("left_connections", "connections not closed", Rule::SocketLeak, None),
    loses("accept_queue", "connections not accepted", Rule::AcceptBacklog, None),
    Way {
        trial: "saturation",
        about: "too many short polls",
        expected: Expected::Anywhere(Rule::LoopLag, "saturation"),
        unsampled: None,
    },
    Way {
        trial: "stopped",
        about: "a machine busy elsewhere",
        expected: Expected::Anywhere(Rule::HostPause, "host"),
        unsampled: None,
    },
    Way { trial: "innocent", about: "the same work done well", expected: Expected::Nothing, unsampled: None },
];
