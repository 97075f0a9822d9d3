//! Names that were found after the time that is looked at: a line that has its name keeps it wherever the tape stands.

use crate::model::process::Process;
use stallscope_wire::{Stack, Stall};

/// Has the stacks of a time named as they are now. Nothing else that is known since is told.
pub(super) fn name(then: &mut Process, newest: &Process) {
    let now = |then: &Stall| newest.history.stall(then.id).and_then(|now| named(then, &now.stall));
    let stalls: Vec<_> = then.history.stalls().filter_map(|record| now(&record.stall)).collect();
    stalls.into_iter().for_each(|stall| then.name(stall));
}

/// None where the stack had its names by then, has none now, or is another one now.
fn named(then: &Stall, now: &Stall) -> Option<Stall> {
    let bare = then.stack.as_ref().filter(|stack| stack.is_bare())?;
    let is_in_bare = |offset| bare.frames.iter().any(|frame| frame.offset == offset);
    let is_same = |stack: &&Stack| stack.frames.iter().all(|frame| is_in_bare(frame.offset));
    let stack = now.stack.as_ref().filter(|stack| !stack.is_bare()).filter(is_same)?;
    Some(Stall {
        draft: false,
        stack: Some(stack.clone()),
        owner: now.owner,
        task: now.task.clone(),
        lock: now.lock.clone(),
        ..then.clone()
    })
}
