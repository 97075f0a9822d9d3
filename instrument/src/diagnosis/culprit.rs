//! The frame to open, and the frames that are worth showing.

use super::origin::{Origin, Origins, tokio_module};
use super::owner::{Owned, last_name};
use stallscope_wire::{Frame, Owner, Stack};

/// Cuts the runtime's own outer frames away and finds the culprit: the innermost frame of the user's own code, or, where
/// there is none, the innermost that is neither the standard library's nor tokio's. What lies outside of a task's poll, as
/// `main` does where it runs the runtime, is not to blame for it.
pub(super) fn cut_and_find(stack: &mut Stack, origins: &Origins, owned: Owned) {
    let origin =
        |at: usize| origins.of(stack.frames[at].function.as_deref(), stack.frames[at].file.as_deref());
    let entry = match owned {
        // No hook tells where it was spawned: whoever runs the set is the nearest that is known.
        Owned::By(Owner::Local) => None,
        _ => stack.frames.iter().position(enters_a_task),
    };
    let inside = entry.unwrap_or(stack.frames.len());
    let found = |wanted: &[Origin]| (0..inside).find(|&at| wanted.contains(&origin(at)));
    let culprit = found(&[Origin::User])
        .or_else(|| found(&[Origin::Dependency]).filter(|&at| stack.frames[at].function.is_some()));
    let is_runtime = |at: &usize| {
        let frame = &stack.frames[*at];
        tokio_module(frame.function.as_deref(), frame.file.as_deref())
            .is_some_and(|module| module.starts_with("runtime/"))
    };
    // Outside of the culprit only: it may itself have called into the runtime.
    let outer = (culprit.map_or(0, |at| at + 1)..stack.frames.len()).find(is_runtime);
    // Without any of the user's code the runtime's frames are all there is to see.
    if let (Some(at), true) = (outer, culprit.is_some()) {
        stack.frames.truncate(at);
    }
    stack.culprit = culprit.and_then(|at| u32::try_from(at).ok());
}

/// tokio calls each task's poll, and its end when the runtime shuts down, through a table: some of what lies between there and
/// the task's own code is left in any build.
fn enters_a_task(frame: &Frame) -> bool {
    let function = frame.function.as_deref();
    let module = tokio_module(function, frame.file.as_deref());
    let in_task = module.and_then(|module| {
        let within = module.strip_prefix("runtime/task/")?.split('/').next()?;
        Some(matches!(within, "raw" | "harness" | "core"))
    });
    let enters = |function| matches!(last_name(function), "poll" | "poll_inner" | "poll_future" | "shutdown");
    in_task == Some(true) && function.is_some_and(enters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::App;
    use stallscope_wire::Frame;

    fn found(functions: &[&str]) -> Stack {
        found_for(Owner::Task, functions)
    }

    fn found_for(owner: Owner, functions: &[&str]) -> Stack {
        let frame = |function: &&str| Frame { function: Some((*function).into()), ..Frame::default() };
        let mut stack = Stack { frames: functions.iter().map(frame).collect(), ..Stack::default() };
        let app = App { crate_name: Some("app"), source_root: None };
        cut_and_find(&mut stack, &Origins::new(app), Owned::By(owner));
        stack
    }

    #[test]
    fn the_innermost_frame_of_the_user_is_the_culprit() {
        let stack = found(&[
            "std::thread::sleep",
            "dep::call",
            "app::inner",
            "app::outer",
            "tokio::runtime::task::raw::poll",
            "main",
        ]);
        assert_eq!(stack.culprit_frame().unwrap().function.as_deref(), Some("app::inner"));
        assert_eq!(stack.frames.len(), 4, "the runtime's frames are cut away");
    }

    #[test]
    fn a_dependency_is_the_culprit_when_the_user_is_not_on_the_stack() {
        let stack = found(&["std::thread::sleep", "dep::call", "tokio::runtime::task::raw::poll"]);
        assert_eq!(stack.culprit_frame().unwrap().function.as_deref(), Some("dep::call"));
    }

    #[test]
    fn the_runtime_alone_is_left_whole_and_nobodys() {
        let stack =
            found(&["std::sys::futex", "tokio::runtime::task::raw::poll", "tokio::runtime::park::park"]);
        assert_eq!((stack.culprit, stack.frames.len()), (None, 3));
    }

    #[test]
    fn what_runs_the_runtime_is_not_to_blame_for_a_task() {
        let runtime = ["tokio::runtime::task::raw::poll", "tokio::runtime::Runtime::block_on", "app::main"];
        assert_eq!(found(&[&["std::thread::sleep"], &runtime[..]].concat()).culprit, None);
        assert_eq!(found(&[&["dep::call"], &runtime[..]].concat()).culprit, Some(0));
        let local = ["std::thread::sleep", "tokio::runtime::task::raw::poll", "app::run_local"];
        assert_eq!(found_for(Owner::Local, &local).culprit, Some(2));
        let core = ["std::thread::sleep", "tokio::runtime::task::core::Core<T,S>::poll", "app::main"];
        assert_eq!(found(&core).culprit, None, "raw::poll may have ended in a jump");
    }

    #[test]
    fn a_runtime_that_the_user_calls_is_no_outer_frame() {
        let stack = found(&["tokio::runtime::builder::build", "app::f", "tokio::runtime::task::raw::poll"]);
        assert_eq!(stack.culprit_frame().unwrap().function.as_deref(), Some("app::f"));
        assert_eq!(stack.frames.len(), 2);
    }
}
