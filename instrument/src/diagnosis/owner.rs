//! Whose code a stack runs: the stack decides, not the record, which may have outlived its poll.

use super::origin::tokio_module;
use stallscope_wire::{Frame, Owner, Quality, Stack};

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

/// Reads a stack from the inside out up to the first frame that decides. The record of a root future that is polled through
/// ours (`root`) ends with the poll: whatever is called in between may have been inlined, but the thread has not left.
pub(super) fn of(stack: &Stack, program: Option<&str>, root: bool) -> Owned {
    let mut in_task = false;
    let mut in_future = false;
    for frame in &stack.frames {
        let function = frame.function.as_deref();
        let Some(module) = tokio_module(function, frame.file.as_deref()) else {
            in_future |= frame.user;
            continue;
        };
        let module = module.as_ref();
        let calls = |name: &str| function.is_some_and(|function| last_name(function) == name);
        let runs_root =
            || calls("block_on") || function.is_some_and(|name| name.ends_with("::block_on::{{closure}}"));
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
        } else if within("runtime/scheduler/multi_thread/park") && !in_future && !in_task {
            // A worker that waits for work.
            return Owned::Nobody;
        } else if within("runtime/park")
            || within("runtime/driver")
            || within("runtime/io")
            || within("runtime/time")
        {
            if !in_future && !in_task {
                return if runs_root() { Owned::By(Owner::Root) } else { Owned::Nobody };
            }
            if runs_root() && !in_task {
                return Owned::By(Owner::Root);
            }
        } else if within("runtime/scheduler") || within("runtime/local_runtime") {
            return match (in_task, in_future) {
                (true, _) => Owned::By(Owner::Task),
                (false, true) => Owned::By(Owner::Root),
                (false, false) if root => Owned::By(Owner::Root),
                (false, false) => Owned::By(Owner::Runtime),
            };
        } else {
            // tokio's own futures, polled by somebody.
            in_future |= !within("runtime") && !within("loom") && !within("util");
        }
    }
    // That tokio is not among the frames says something only where all of them are there and have names: then the thread has
    // left the runtime.
    let is_named = |frame: &Frame| {
        let module = frame.module.and_then(|at| stack.modules.get(at as usize));
        frame.function.is_some() || module.map(|module| module.path.as_str()) != program
    };
    let whole =
        stack.quality == Quality::Exact && !stack.frames.is_empty() && stack.frames.iter().all(is_named);
    match (in_task, whole && stack.frames.iter().any(|frame| frame.function.is_some())) {
        (true, _) => Owned::By(Owner::Task),
        (false, _) if root => Owned::By(Owner::Root),
        (false, true) => Owned::Nobody,
        (false, false) => Owned::Unknown,
    }
}

/// The last name of a demangled path, without generic arguments wherever they stand.
pub(super) fn last_name(function: &str) -> &str {
    let (mut depth, mut name, mut before) = (0_usize, 0..0, b' ');
    for (at, byte) in function.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of a function's type.
            b'>' if before != b'-' => depth = depth.saturating_sub(1),
            b':' | b'>' => {}
            _ if depth > 0 => {}
            _ if name.end == at => name.end = at + 1,
            _ => name = at..at + 1,
        }
        before = byte;
    }
    &function[name]
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Module;

    /// Innermost first; a name with a slash is a file of tokio's, with an asterisk a user's function.
    fn stack(frames: &[&str]) -> Stack {
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
        Stack { quality: Quality::Exact, frames: frames.iter().map(frame).collect(), ..Stack::default() }
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
            (
                &[
                    "wait",
                    "wait@loom/std",
                    "park_condvar@runtime/scheduler/multi_thread/park",
                    "run@runtime/scheduler/multi_thread/worker",
                ],
                Owned::Nobody,
            ),
            (&["steal", "next_task@runtime/scheduler/multi_thread/worker"], Owned::By(Owner::Runtime)),
            (&["app::main", "main"], Owned::Nobody),
            (&[], Owned::Unknown),
        ] {
            assert_eq!(of(&stack(frames), None, false), owned, "{frames:?}");
        }
    }

    #[test]
    fn a_stack_without_the_programs_names_tells_nothing() {
        let module = |path: &str| Module { path: path.into(), build_id: None };
        let mut stripped = stack(&["clock_nanosleep"]);
        stripped.modules = vec![module("libc"), module("app")];
        stripped.frames[0].module = Some(0);
        stripped.frames.push(Frame { module: Some(1), ..Frame::default() });
        assert_eq!(of(&stripped, Some("app"), false), Owned::Unknown);
    }

    #[test]
    fn a_stack_that_does_not_reach_the_runtime_tells_nothing() {
        let cut = Stack { quality: Quality::Truncated, ..stack(&["app::deep", "app::deep"]) };
        assert_eq!(of(&cut, None, false), Owned::Unknown);
    }

    #[test]
    fn the_last_name_is_found_behind_any_arguments() {
        for (function, name) in [
            ("poll", "poll"),
            ("block_on<app::main::{async_block#0}>", "block_on"),
            ("tokio::runtime::task::raw::poll::<app::f<fn(u8) -> u8>, S>", "poll"),
            ("tokio::runtime::task::core::Core<T,S>::poll", "poll"),
            ("<app::Slow as core::future::Future>::poll", "poll"),
            ("app::main::{{closure}}", "{{closure}}"),
            ("", ""),
        ] {
            assert_eq!(last_name(function), name, "{function}");
        }
    }

    #[test]
    fn a_root_future_has_not_left_the_runtime_though_all_of_that_is_inlined() {
        let inlined = stack(&["std::thread::sleep", "app::run", "app::main", "main"]);
        assert_eq!(of(&inlined, None, true), Owned::By(Owner::Root));
        for runs in [
            "block_on@runtime/scheduler/current_thread/mod",
            "tokio::runtime::scheduler::multi_thread::MultiThread::block_on",
            "tokio::runtime::park::CachedParkThread::block_on::{{closure}}",
        ] {
            let names_alone = stack(&["clock_nanosleep", runs, "app::main"]);
            assert_eq!(of(&names_alone, None, true), Owned::By(Owner::Root), "{runs}");
        }
        let allowed = stack(&["app::read", "block_in_place@runtime/scheduler/multi_thread/worker"]);
        assert_eq!(of(&allowed, None, true), Owned::Nobody);
    }
}
