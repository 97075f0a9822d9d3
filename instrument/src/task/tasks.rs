//! The tasks that wait, for the watchdog to go through: listed when they first do, until they are dropped.

use super::shared::Shared;
use super::state::TaskState;
use super::waiting::Waiting;
use crate::engine;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// The slot of a task that is not listed.
pub(super) const NOWHERE: usize = usize::MAX;

/// Parts of the list, each under a lock of its own. A power of two.
pub(super) const PARTS: usize = 16;
/// A part with room for more than this gives back what it has not used for long.
const ROOMY: usize = 1024;

static LIST: [Mutex<Vec<Shared<TaskState>>>; PARTS] = [const { Mutex::new(Vec::new()) }; PARTS];

/// Lists a task, unless it is; whether it is new there.
pub(super) fn insert(state: &Shared<TaskState>, waiting: &Waiting) -> bool {
    // Only the thread that polls the task lists it.
    if waiting.slot.load(Relaxed) != NOWHERE {
        return false;
    }
    let Some(mut part) = part_of(state) else { return false };
    waiting.slot.store(part.len(), Relaxed);
    part.push(state.clone());
    true
}

/// Takes a task off the list; whether it was there.
pub(super) fn remove(state: &Shared<TaskState>, waiting: &Waiting) -> bool {
    if waiting.slot.load(Relaxed) == NOWHERE {
        return false;
    }
    let Some(mut part) = part_of(state) else { return false };
    // Another task's end may have moved it.
    let slot = waiting.slot.load(Relaxed);
    let listed = part.swap_remove(slot);
    waiting.slot.store(NOWHERE, Relaxed);
    if let Some(moved) = part.get(slot).and_then(|moved| moved.waiting()) {
        moved.slot.store(slot, Relaxed);
    }
    if part.capacity() > ROOMY && part.len() < part.capacity() / 4 {
        let room = part.len() * 2;
        part.shrink_to(room);
    }
    drop(part);
    // Beyond the lock: what it holds of tokio's may be the last of it.
    drop(listed);
    true
}

/// The part that a task is in; none in a process that was forked off while another thread held the lock.
fn part_of(state: &Shared<TaskState>) -> Option<MutexGuard<'static, Vec<Shared<TaskState>>>> {
    let hash = (state.as_raw().addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let part = &LIST[(hash >> (64 - PARTS.ilog2())) as usize];
    match part.try_lock() {
        Ok(part) => Some(part),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {
            engine::engine()?;
            Some(part.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// Looks at up to `most` tasks of a part, from the one at `from` on; where to go on, if there are more. Tasks that end
/// meanwhile wait, so the part is not held for long.
pub(super) fn look(
    part: usize,
    from: usize,
    most: usize,
    mut see: impl FnMut(&Shared<TaskState>),
) -> Option<usize> {
    let part = LIST[part].lock().unwrap_or_else(PoisonError::into_inner);
    let end = from.saturating_add(most).min(part.len());
    part.get(from..end).into_iter().flatten().for_each(&mut see);
    (end < part.len()).then_some(end)
}
