//! Which tasks live that were spawned in a scope. Nothing is kept, and a spawn costs one load, while no scope is open.

use super::futures::{Fate, Futures};
use crate::recorder::{task_bits, task_id};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use tokio::runtime::{self, Handle};
use tokio::task::{AbortHandle, Id, try_id};

/// Tasks that ended before they were told of, as those do that are spawned in a runtime that is shut down: the latest.
#[cfg(tokio_unstable)]
const EARLY: usize = 64;
/// Tasks of a scope that are remembered, so that a stall of one that is gone is known to be the scope's.
const REMEMBERED: usize = 1 << 16;

/// Scopes that are open. What is spawned in a scope is spawned after it opened: nobody who matters to it sees an older count.
static OPEN: AtomicUsize = AtomicUsize::new(0);
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The scope whose own future this thread polls, and the task that it is polled by.
    static POLLED: Cell<Option<(u64, Option<Id>)>> = const { Cell::new(None) };
}

/// Scopes and tasks by scope: what a scope's owner is told.
#[derive(Debug, Default)]
pub(super) struct Registry {
    scopes: BTreeMap<u64, Record>,
    tasks: HashMap<Id, Task>,
    /// The scopes of tasks that another thread polls before the one that spawned them has told of them.
    begun: HashMap<Id, u64>,
    early: VecDeque<Id>,
    /// How often each worker has gone round its queue for a scope that settles.
    turns: HashMap<Worker, u64>,
    next: u64,
}

/// A runtime, and which of its workers.
pub(super) type Worker = (runtime::Id, usize);

#[derive(Debug, Default)]
struct Record {
    /// The scope that it was opened in.
    parent: Option<u64>,
    /// A hook told of a task.
    hooked: bool,
    ended: u64,
    runtime: Option<runtime::Id>,
    seen: Seen,
}

/// What a scope leaves behind.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// tokio's ids of all tasks that were spawned in it.
    pub(super) tasks: HashSet<u64>,
    /// There were more.
    pub(super) forgot: bool,
    /// Another scope, neither around it nor within it, was open in its runtime meanwhile.
    pub(super) shared: bool,
    pub(super) futures: Futures,
}

impl Seen {
    fn remember(&mut self, task: Id) {
        if self.tasks.len() < REMEMBERED {
            self.tasks.extend(task_id(task_bits(task)));
        } else {
            self.forgot = true;
        }
    }
}

#[derive(Debug)]
struct Task {
    /// The innermost scope that it was spawned in.
    scope: u64,
    location: &'static Location<'static>,
    /// Tells whether it has ended, where no hook does.
    handle: Option<AbortHandle>,
}

impl Registry {
    /// Opens a scope, within that which runs here.
    pub(super) fn open(&mut self) -> u64 {
        self.next += 1;
        let parent = self.here();
        let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
        let around: Vec<u64> = parent.into_iter().flat_map(|parent| self.chain(parent)).collect();
        let mut record = Record { parent, runtime, ..Record::default() };
        for (id, other) in &mut self.scopes {
            if runtime.is_some() && other.runtime == runtime && !around.contains(id) {
                (other.seen.shared, record.seen.shared) = (true, true);
            }
        }
        self.scopes.insert(self.next, record);
        OPEN.store(self.scopes.len(), Relaxed);
        self.next
    }

    /// Closes a scope; its tasks are from now on those of the scope around it. Those that are nobody's now are to be dropped
    /// when the registry is free: what a task leaves behind may spawn another one.
    fn close(&mut self, scope: u64) -> Vec<Task> {
        let parent = self.scopes.remove(&scope).and_then(|record| record.parent);
        OPEN.store(self.scopes.len(), Relaxed);
        self.scopes
            .values_mut()
            .filter(|record| record.parent == Some(scope))
            .for_each(|record| record.parent = parent);
        if self.scopes.is_empty() {
            self.begun.clear();
            self.early.clear();
            self.turns.clear();
        }
        let its_own = |task: &Task| task.scope == scope;
        match parent {
            Some(parent) => {
                self.begun.values_mut().filter(|of| **of == scope).for_each(|of| *of = parent);
                self.tasks.values_mut().filter(|task| its_own(task)).for_each(|task| task.scope = parent);
                Vec::new()
            }
            None => {
                self.begun.retain(|_, of| *of != scope);
                self.tasks.extract_if(|_, task| its_own(task)).map(|(_, task)| task).collect()
            }
        }
    }

    /// What it has seen so far, which is then forgotten.
    pub(super) fn take_seen(&mut self, scope: u64) -> Seen {
        self.scopes.get_mut(&scope).map(|record| std::mem::take(&mut record.seen)).unwrap_or_default()
    }

    /// Does something to a scope and those around it.
    fn for_each(&mut self, scope: u64, mut act: impl FnMut(&mut Record)) {
        for scope in self.chain(scope).collect::<Vec<_>>() {
            self.scopes.get_mut(&scope).into_iter().for_each(&mut act);
        }
    }

    /// A hook has told of a task that was spawned in the scope, and not in one within it.
    pub(super) fn is_hooked(&self, scope: u64) -> bool {
        self.scopes.get(&scope).is_some_and(|record| record.hooked)
    }

    /// How many of the scope's tasks have ended.
    pub(super) fn ended(&self, scope: u64) -> u64 {
        self.scopes.get(&scope).map_or(0, |record| record.ended)
    }

    /// Takes out the tasks that have ended and no hook has told so; see [`Registry::close`].
    fn sweep(&mut self) -> Vec<Task> {
        let over = |task: &Task| task.handle.as_ref().is_some_and(AbortHandle::is_finished);
        let gone: Vec<Task> = self.tasks.extract_if(|_, task| over(task)).map(|(_, task)| task).collect();
        gone.iter().for_each(|task| self.count_ended(task.scope));
        gone
    }

    /// Where the scope's tasks were spawned that live.
    fn alive(&self, scope: u64) -> Vec<&'static Location<'static>> {
        let of_it = |task: &&Task| self.chain(task.scope).any(|known| known == scope);
        self.tasks.values().filter(of_it).map(|task| task.location).collect()
    }

    /// A worker has gone round its queue once more.
    pub(super) fn turn(&mut self, worker: Worker) {
        *self.turns.entry(worker).or_default() += 1;
    }

    /// How often it has.
    pub(super) fn turns(&self, worker: Worker) -> u64 {
        self.turns.get(&worker).copied().unwrap_or(0)
    }

    /// A scope and those around it, from the inside out.
    fn chain(&self, scope: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(scope), |scope| self.scopes.get(scope)?.parent)
    }

    /// The innermost scope that this thread runs in: that whose own future is polled, unless it is a task polled within
    /// that future which runs, and which is known to be another scope's.
    fn here(&self) -> Option<u64> {
        let task = try_id();
        let polled = POLLED.try_with(Cell::get).ok().flatten();
        if let Some((scope, polling)) = polled
            && polling == task
        {
            return Some(scope);
        }
        let parent = task.and_then(|task| {
            let known = self.tasks.get(&task).map(|task| task.scope);
            known.or_else(|| self.begun.get(&task).copied())
        });
        parent.or(polled.map(|(scope, _)| scope))
    }

    /// A task is polled that was spawned in the scope.
    fn begin(&mut self, id: Id, scope: u64) {
        if self.scopes.contains_key(&scope) && !self.tasks.contains_key(&id) {
            self.begun.insert(id, scope);
        }
    }

    fn add(&mut self, id: Id, location: &'static Location<'static>, handle: Option<&AbortHandle>) {
        self.begun.remove(&id);
        let early = self.early.iter().position(|early| *early == id);
        if early.and_then(|at| self.early.remove(at)).is_some() || self.tasks.contains_key(&id) {
            return;
        }
        if let Some(scope) = self.here() {
            self.for_each(scope, |record| record.seen.remember(id));
            self.tasks.insert(id, Task { scope, location, handle: handle.cloned() });
        }
    }

    #[cfg(tokio_unstable)]
    fn remove(&mut self, id: Id) -> Option<Task> {
        let ended = self.tasks.remove(&id);
        match &ended {
            Some(task) => self.count_ended(task.scope),
            None => {
                self.early.truncate(EARLY - 1);
                self.early.push_front(id);
            }
        }
        ended
    }

    fn count_ended(&mut self, scope: u64) {
        self.for_each(scope, |record| record.ended += 1);
    }
}

/// Closes a scope.
pub(super) fn close(scope: u64) {
    let nobodys = registry().close(scope);
    drop(nobodys);
}

/// Where the scope's tasks were spawned that live.
pub(super) fn alive(scope: u64) -> Vec<&'static Location<'static>> {
    let mut registry = registry();
    let gone = registry.sweep();
    let alive = registry.alive(scope);
    drop(registry);
    drop(gone);
    alive
}

pub(super) fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what polls a scope's own future.
pub(super) fn within<T>(scope: u64, poll: impl FnOnce() -> T) -> T {
    /// Puts back what was polled before, even when the poll panics.
    struct Restore(Option<(u64, Option<Id>)>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = POLLED.try_with(|polled| polled.set(self.0));
        }
    }
    let before = POLLED.try_with(|polled| polled.replace(Some((scope, try_id())))).ok().flatten();
    let _restore = Restore(before);
    poll()
}

/// The scope that whatever is made here belongs to; 0 where none is open.
#[inline]
pub(crate) fn scope_here() -> u32 {
    if OPEN.load(Relaxed) == 0 { 0 } else { find_here() }
}

#[cold]
#[inline(never)]
fn find_here() -> u32 {
    registry().here().and_then(|scope| u32::try_from(scope).ok()).unwrap_or(0)
}

/// Counts what became of a watched future that was made in a scope.
#[cold]
#[inline(never)]
pub(crate) fn count_future(
    scope: u32,
    location: &'static Location<'static>,
    function: Option<&'static str>,
    fate: Fate,
) {
    registry().for_each(scope.into(), |record| record.seen.futures.count(location, function, fate));
}

/// A hook is told of a task that this thread spawned and that is our own: so hooks tell of those of the scope too.
#[cfg(tokio_unstable)]
pub(crate) fn hooked() {
    if OPEN.load(Relaxed) > 0 {
        let mut registry = registry();
        let scope = registry.here();
        if let Some(record) = scope.and_then(|scope| registry.scopes.get_mut(&scope)) {
            record.hooked = true;
        }
    }
}

/// A task is spawned by this thread, and was not polled yet.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn spawned(id: Id, location: &'static Location<'static>) {
    if OPEN.load(Relaxed) > 0 {
        add(id, location);
    }
}

/// A task is gone.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn ended(id: Id) {
    if OPEN.load(Relaxed) > 0 {
        remove(id);
    }
}

// Apart, so that a hook has no registers to save for what most processes never do.

#[cfg(tokio_unstable)]
#[cold]
#[inline(never)]
fn add(id: Id, location: &'static Location<'static>) {
    registry().add(id, location, None);
}

#[cfg(tokio_unstable)]
#[cold]
#[inline(never)]
fn remove(id: Id) {
    let ended = registry().remove(id);
    drop(ended);
}

/// The task that runs here, for the first time, was spawned in the scope: what it does now is the scope's, though the thread
/// that spawned it may not have come to [`adopt`] it yet.
#[cold]
#[inline(never)]
pub(crate) fn begin(scope: u32) {
    if let Some(id) = try_id() {
        registry().begin(id, scope.into());
    }
}

/// A task was spawned by this thread, and perhaps no hook told of it.
#[inline]
pub(crate) fn adopt(handle: impl FnOnce() -> AbortHandle, location: &'static Location<'static>) {
    if OPEN.load(Relaxed) > 0 {
        let handle = handle();
        registry().add(handle.id(), location, Some(&handle));
    }
}
