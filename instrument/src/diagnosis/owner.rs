//! Whose code a stack runs: the stack decides, not the record, which may have outlived its poll.

use super::origin::tokio_module;
use stallscope_wire::{Frame, Owner};

/// Whose code it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Owned {
    By(Owner),
    /// The thread waits for work, has left the runtime, or may block: no stall.
    Nobody,
    /// There is no stack, or it has no names.
    #[default]
    Unknown,
}

/// Reads a stack from the inside out up to the first frame that decides.
pub(super) fn of(frames: &[Frame]) -> Owned {
    let mut in_task = false;
    let mut in_future = false;
    let mut named = false;
    for frame in frames {
        named |= frame.function.is_some();
        let function = frame.function.as_deref();
        let Some(module) = tokio_module(function, frame.file.as_deref()) else {
            in_future |= frame.user;
            continue;
        };
        let module = module.as_ref();
        let calls = |name: &str| function.is_some_and(|function| last_name(function) == name);
        let within = |path: &str| {
            module == path || module.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
        };
        if calls("block_in_place")
            || within("task/blocking/block_in_place")
            || module.ends_with("/block_in_place")
        {
            return Owned::Nobody;
        }
        if within("runtime/blocking/task") || within("runtime/blocking/pool") {
            // A closure of the blocking pool, or its idle thread.
            return Owned::Nobody;
        }
        if within("task/local") && in_task {
            return Owned::By(Owner::Local);
        }
        if within("runtime/task") {
            in_task = true;
        } else if within("runtime/park")
            || within("runtime/driver")
            || within("runtime/io")
            || within("runtime/time")
        {
            if !in_future && !in_task {
                return if calls("block_on") { Owned::By(Owner::Root) } else { Owned::Nobody };
            }
            if calls("block_on") && !in_task {
                return Owned::By(Owner::Root);
            }
        } else if within("runtime/scheduler") || within("runtime/local_runtime") {
            return match (in_task, in_future) {
                (true, _) => Owned::By(Owner::Task),
                (false, true) => Owned::By(Owner::Root),
                (false, false) => Owned::By(Owner::Runtime),
            };
        } else {
            // tokio's own futures, polled by somebody.
            in_future |= !within("runtime");
        }
    }
    match (named, in_task) {
        (true, true) => Owned::By(Owner::Task),
        // Names, and nothing of tokio's among them: the thread has left the runtime.
        (true, false) if !frames.is_empty() => Owned::Nobody,
        _ => Owned::Unknown,
    }
}

/// The last name of a demangled path, without generic arguments.
fn last_name(function: &str) -> &str {
    let end =
        if function.starts_with('<') { function.len() } else { function.find('<').unwrap_or(function.len()) };
    let path = function[..end].trim_end_matches(':');
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Innermost first; a name with a slash is a file of tokio's, with an asterisk a user's function.
    fn stack(frames: &[&str]) -> Vec<Frame> {
        let frame = |text: &&str| {
            let (function, module) = text.split_once('@').unwrap_or((text, ""));
            let file =
                (!module.is_empty()).then(|| format!("/c/registry/src/i/tokio-1.54.1/src/{module}.rs"));
            Frame {
                function: Some(function.into()),
                file,
                user: function.starts_with("app"),
                ..Frame::default()
            }
        };
        frames.iter().map(frame).collect()
    }

    #[test]
    fn the_first_deciding_frame_tells() {
        for (frames, owned) in [
            (
                &[
                    "std::thread::sleep",
                    "app::f",
                    "poll@runtime/task/core",
                    "run_task@runtime/scheduler/multi_thread/worker",
                    "poll@runtime/blocking/task",
                ][..],
                Owned::By(Owner::Task),
            ),
            (
                &[
                    "app::f",
                    "tokio::runtime::task::raw::poll",
                    "tokio::runtime::scheduler::current_thread::Context::run_task",
                ],
                Owned::By(Owner::Task),
            ),
            (
                &[
                    "app::f",
                    "poll@runtime/task/core",
                    "tick@task/local",
                    "app::root",
                    "block_on@runtime/scheduler/current_thread/mod",
                ],
                Owned::By(Owner::Local),
            ),
            (
                &["app::root", "block_on@runtime/park", "block_on@runtime/scheduler/multi_thread/mod"],
                Owned::By(Owner::Root),
            ),
            (&["app::root", "block_on@runtime/scheduler/current_thread/mod"], Owned::By(Owner::Root)),
            (
                &[
                    "epoll_wait",
                    "turn@runtime/io/driver",
                    "park@runtime/driver",
                    "park@runtime/scheduler/multi_thread/park",
                ],
                Owned::Nobody,
            ),
            (&["syscall", "park@runtime/park", "park@runtime/scheduler/multi_thread/park"], Owned::Nobody),
            (
                &[
                    "app::read",
                    "block_in_place@runtime/scheduler/multi_thread/worker",
                    "poll@runtime/task/core",
                ],
                Owned::Nobody,
            ),
            (
                &[
                    "app::hash",
                    "poll@runtime/blocking/task",
                    "poll@runtime/task/core",
                    "run@runtime/blocking/pool",
                ],
                Owned::Nobody,
            ),
            (&["wait", "run@runtime/blocking/pool"], Owned::Nobody),
            (&["steal", "next_task@runtime/scheduler/multi_thread/worker"], Owned::By(Owner::Runtime)),
            (&["app::main", "main"], Owned::Nobody),
            (&[], Owned::Unknown),
        ] {
            assert_eq!(of(&stack(frames)), owned, "{frames:?}");
        }
    }

    #[test]
    fn a_stack_without_names_tells_nothing() {
        assert_eq!(of(&[Frame::default(), Frame::default()]), Owned::Unknown);
    }
}
