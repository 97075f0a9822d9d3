//! The failures in a set of tasks that nobody has seen yet.

use super::failure;
use super::shared::Shared;
use super::state::TaskState;
use crate::engine::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::task::Id;

/// What the tasks of a set share with it.
#[derive(Debug, Default)]
pub(super) struct Group {
    unseen: Mutex<Unseen>,
    /// Of those that may still be seen: how many, for those who ask without the lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Unseen {
    failed: HashMap<Id, Shared<TaskState>>,
    /// Nobody will join these tasks any more.
    left: bool,
}

impl Group {
    /// A task has failed; called within it. Whether that is to be told now.
    pub(super) fn fail(&self, state: &Shared<TaskState>) -> bool {
        let mut unseen = lock(&self.unseen);
        let Some(id) = tokio::task::try_id().filter(|_| !unseen.left) else { return true };
        unseen.failed.insert(id, state.clone());
        self.count.store(unseen.failed.len(), Relaxed);
        false
    }

    /// The result of a task was handed out. The task's own writes come before that.
    pub(super) fn see(&self, id: Id) {
        if self.count.load(Relaxed) > 0 {
            let mut unseen = lock(&self.unseen);
            unseen.failed.remove(&id);
            self.count.store(unseen.failed.len(), Relaxed);
        }
    }

    /// Nobody will join these tasks: tells which of them have failed, and has those tell it themselves that still will.
    pub(super) fn leave(&self) {
        let failed = {
            let mut unseen = lock(&self.unseen);
            unseen.left = true;
            std::mem::take(&mut unseen.failed)
        };
        failed.values().for_each(|state| failure::tell(state));
    }
}
