//! What to do about a finding, in one sentence.

use super::{Cause, Finding, Rule, SocketLeak};

/// What a blocking call is known by, and what to do instead. The first that fits the innermost frames holds.
const CALLS: [(&[&str], &str); 13] = [
    (
        &["thread::sleep", "thread::functions::sleep"],
        "await tokio::time::sleep instead of std::thread::sleep",
    ),
    (
        &["reqwest::blocking", "ureq::", "attohttpc::", "minreq::"],
        "use an async HTTP client (such as reqwest without its blocking module) and await it",
    ),
    (
        // Not tokio's own, which panics inside a task: where it stands on a stack, it runs the root future.
        &[
            "futures_executor::",
            "futures::executor::block_on",
            "pollster::",
            "smol::block_on",
            "async_io::block_on",
        ],
        "await the future instead of calling block_on inside a task",
    ),
    (
        &["rusqlite::", "libsqlite3_sys::", "sqlite3_", "diesel::", "postgres::", "mysql::"],
        "run the query in tokio::task::spawn_blocking, or use an async driver",
    ),
    (
        &["bcrypt", "argon2", "scrypt", "pbkdf2"],
        "hash in tokio::task::spawn_blocking: a password hash is slow on purpose",
    ),
    (
        &["ToSocketAddrs", "to_socket_addrs", "getaddrinfo", "LookupHost"],
        "resolve names with tokio::net::lookup_host, or hand the name to an async connect",
    ),
    (
        &["std::process::", "std::sys::process::", "process::Command", "process::Child"],
        "start and await it with tokio::process::Command",
    ),
    (
        &["std::io::stdio", "std::io::stdin", "Stdin"],
        "read standard input on a thread of its own, or with tokio::io::stdin",
    ),
    (
        &[
            "std::fs::",
            "std::sys::fs::",
            "fs::read",
            "fs::write",
            "fs::File",
            "File::open",
            "fs::OpenOptions",
        ],
        "use tokio::fs, or move the file access into tokio::task::spawn_blocking",
    ),
    (
        &["std::net::", "std::sys::net::", "net::TcpStream::connect", "TcpStream::read"],
        "use tokio::net instead of std::net",
    ),
    (
        &["JoinHandle", "JoinInner", "thread::scope"],
        "join threads in tokio::task::spawn_blocking, or answer through a tokio::sync::oneshot",
    ),
    (
        &["std::sync::mpsc", "crossbeam_channel", "flume::"],
        "receive from a tokio::sync::mpsc channel and await it",
    ),
    (
        &["regex::", "regex_automata::"],
        "bound the input that the expression is run on, or match in tokio::task::spawn_blocking",
    ),
];

/// What a system call is answered with when no frame tells more.
const SYSCALLS: [(&[&str], &str); 6] = [
    (&["nanosleep", "clock_nanosleep"], "await tokio::time::sleep instead of a sleep that blocks the thread"),
    (
        &["fsync", "fdatasync", "sync_file_range", "msync"],
        "flush to disk in tokio::task::spawn_blocking: it waits for the device",
    ),
    (
        &["connect", "accept", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg"],
        "use tokio::net: this socket blocks the thread",
    ),
    (&["wait4", "waitid"], "await the child with tokio::process"),
    (
        &["poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"],
        "await readiness with tokio::io::unix::AsyncFd instead of waiting for it on the thread",
    ),
    (
        &[
            "read",
            "pread64",
            "readv",
            "write",
            "pwrite64",
            "writev",
            "open",
            "openat",
            "rename",
            "unlink",
            "statx",
            "getdents64",
            "copy_file_range",
            "sendfile",
            "flock",
        ],
        "use tokio::fs, or move the file access into tokio::task::spawn_blocking",
    ),
];

/// What to do, by the kind of lock.
const LOCKS: [(&[&str], &str); 7] = [
    (
        &["mutex"],
        "hold the lock for less: move the slow work out of the section, or use tokio::sync::Mutex if it must be held across an await",
    ),
    (
        &["rwlock"],
        "hold the lock for less: publish a new value whole instead of changing it in place, or use tokio::sync::RwLock",
    ),
    (&["condvar"], "await a tokio::sync::Notify or watch channel instead of a condition variable"),
    (&["channel"], "use a tokio::sync channel and await it"),
    (
        &["join", "park"],
        "await the result (tokio::sync::oneshot, tokio::task::spawn_blocking) instead of waiting for a thread",
    ),
    (&["barrier"], "use tokio::sync::Barrier and await it"),
    (&["once"], "use tokio::sync::OnceCell, or initialise before the runtime starts"),
];

/// How deep below the culprit a call's name is looked for.
const DEPTH: usize = 24;

/// One concrete advice.
pub(super) fn advice(finding: &Finding) -> String {
    let advice = match finding.rule {
        Rule::BlockingPoll | Rule::LoopLag | Rule::HostPause => return against_blocking(finding),
        Rule::NeverPolled if finding.cause == Cause::Saturation => return against_blocking(finding),
        Rule::NeverPolled => {
            "look at what runs after the spawn: until that poll ends, the new task may wait in the one slot that no other \
             worker takes from; await something there, or do what takes long in tokio::task::spawn_blocking"
        }
        Rule::NeverAwaited => {
            "await the future, or hand it to tokio::spawn or tokio::join!: it does nothing until it is polled; if it is not \
             needed, do not make it; a try_join! or biased select! that another branch ends first drops it rightly"
        }
        Rule::DetachedPanic => "handle the failure, or await the task's handle and see to what it returns",
        Rule::LostTask => {
            "keep alive what is to wake the task (a sender, a stored waker), or put a tokio::time::timeout around what it \
             waits for"
        }
        Rule::TaskLeak => {
            "give an end to what the tasks wait for: a tokio::time::timeout around it, a JoinSet or AbortHandle dropped with \
             what they serve, or a Semaphore that bounds them"
        }
        Rule::BlockingPool => {
            "bound how many such jobs are given to tokio::task::spawn_blocking (a Semaphore), move what runs for long onto a \
             std::thread of its own, or raise max_blocking_threads"
        }
        Rule::SocketLeak => return against_leak(finding).to_owned(),
        Rule::AcceptBacklog => {
            return "accept faster: keep the task that accepts free of other work, and its workers unblocked; where bursts are \
                    usual, give listen() more room (and the machine net.core.somaxconn)"
                .to_owned();
        }
    };
    let at = &finding.culprit;
    if at.is_known() { format!("at {at}, {advice}") } else { advice.to_owned() }
}

/// What to do about connections that stay open.
fn against_leak(finding: &Finding) -> &'static str {
    match (finding.leak, &finding.culprit.peer) {
        (Some(SocketLeak::Growth), None) => {
            "close what is idle: give connections an idle timeout or a heartbeat, and bound how many there may be (a Semaphore)"
        }
        (Some(SocketLeak::Growth), Some(_)) => {
            "share one client, and with it one pool of connections, instead of making one for each request; bound what the pool \
             keeps idle"
        }
        (_, None) => {
            "drop a connection when reading it returns 0 bytes: await the read beside whatever else the connection waits for, or \
             give that a tokio::time::timeout, and take it out of every list that keeps it"
        }
        (_, Some(_)) => {
            "drop a connection that the server has closed: read each response to its end, and give the pool an idle timeout that \
             is shorter than the server's"
        }
    }
}

/// What to do about a thread that does not get on.
fn against_blocking(finding: &Finding) -> String {
    if prints_a_panic(finding) {
        return "it panicked, and printing that took so long, as a backtrace does in a large debug build: see to the panic, or \
                unset RUST_BACKTRACE"
            .to_owned();
    }
    let fallback = match finding.cause {
        Cause::Host => {
            "nothing in the code explains it: give the process more processor time, or run it on a quieter machine"
        }
        Cause::Saturation => {
            "the workers have more to do than they manage: do less in each poll, move computing into tokio::task::spawn_blocking, or add workers"
        }
        Cause::Cpu => {
            "move the computation into tokio::task::spawn_blocking, or split it and call tokio::task::yield_now().await between the parts"
        }
        Cause::Lock => by_name(&LOCKS, finding.lock.as_deref())
            .unwrap_or("await a lock or channel of tokio::sync instead of waiting for another thread"),
        Cause::Syscall => by_name(&SYSCALLS, finding.syscall.as_deref()).unwrap_or(
            "move the blocking call into tokio::task::spawn_blocking, or use its async counterpart",
        ),
        Cause::Unknown => {
            "keep whatever takes this long off the event loop: tokio::task::spawn_blocking, or an async counterpart"
        }
    };
    if finding.ongoing && finding.cause == Cause::Lock {
        return "it has not ended: if it does not, look for a lock that is taken twice, two that are taken in opposite order, or a guard that is held across an await"
            .to_owned();
    }
    let blocking = matches!(finding.cause, Cause::Syscall | Cause::Lock | Cause::Cpu | Cause::Unknown);
    called(finding).filter(|_| blocking).unwrap_or(fallback).to_owned()
}

/// Whether what the culprit calls is the standard library's own report of a panic, however deep that is in symbols by then.
fn prints_a_panic(finding: &Finding) -> bool {
    let inner = &finding.stack[..finding.culprit_frame().unwrap_or(finding.stack.len())];
    let functions = inner.iter().filter(|frame| !frame.user).filter_map(|frame| frame.function.as_deref());
    functions.into_iter().any(|function| function.starts_with("std::panicking::default_hook"))
}

fn by_name(table: &[(&[&str], &'static str)], name: Option<&str>) -> Option<&'static str> {
    table.iter().find(|(names, _)| name.is_some_and(|name| names.contains(&name))).map(|&(_, advice)| advice)
}

/// What the frames from the innermost to the culprit call, by the names of others' code: what the user calls a function
/// says nothing of what it does. A computation, or a plain mutex, says nothing by what it is called from.
fn called(finding: &Finding) -> Option<&'static str> {
    let culprit = finding.culprit_frame().unwrap_or(0);
    let inner = &finding.stack[..finding.stack.len().min(culprit + 1).min(DEPTH)];
    let named = |names: &[&str]| {
        inner
            .iter()
            .filter(|frame| !frame.user)
            .filter_map(|frame| frame.function.as_deref())
            .any(|function| names.iter().any(|name| begins_a_segment(function, name)))
    };
    CALLS.iter().find(|(names, _)| named(names)).map(|&(_, advice)| advice)
}

/// Whether the name stands in the path, and does not begin within another one.
fn begins_a_segment(function: &str, name: &str) -> bool {
    let begins = |(at, _): (usize, &str)| {
        !function[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    };
    // Most are not in it, and that is told much sooner than where they are.
    function.contains(name) && function.match_indices(name).any(begins)
}
