//! The functions that stand in for tokio's.

use super::failure::{self, Judge, error_of_result, error_of_std};
use super::future::Tracked;
use super::group::Group;
use super::handle::JoinHandle;
use super::panics;
use super::shared::Shared;
use super::state::TaskState;
use crate::{engine, observe, recorder};
use stallscope_wire::Mode;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use tokio::task;

/// Spawns a task, as [`tokio::spawn`] does; should it fail with nobody there to see it, that is reported.
///
/// A panic is always told. An error that the task returns is, where its output is `Result<(), E>` and `E` one of the standard
/// library's: [`std::io::Error`], a boxed [`Error`](std::error::Error), a `String` or a `&'static str`; of all others tells
/// [`spawn_fallible`].
///
/// # Panics
/// When it is not called from within a runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let handle = stallscope_instrument::spawn(async { "done" });
/// assert_eq!(handle.await.unwrap(), "done");
/// # });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (state, claim) = pair(None);
    JoinHandle::new(tokio::spawn(Tracked::new(state, error_of_std, future)), claim)
}

/// Spawns a task whose error matters: an `Err` that nobody sees is reported as a panic is, with what the error says.
///
/// # Panics
/// When it is not called from within a runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let handle = stallscope_instrument::task::spawn_fallible(async { "7".parse::<u8>() });
/// assert_eq!(handle.await.unwrap(), Ok(7));
/// # });
/// ```
#[track_caller]
pub fn spawn_fallible<F, T, E>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let (state, claim) = pair(None);
    JoinHandle::new(tokio::spawn(Tracked::new(state, error_of_result, future)), claim)
}

/// Spawns a task on the current `LocalSet`, as [`tokio::task::spawn_local`] does; see [`spawn`].
///
/// # Panics
/// When it is not called from within a `LocalSet`.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (state, claim) = pair(None);
    JoinHandle::new(task::spawn_local(Tracked::new(state, error_of_std, future)), claim)
}

/// Runs a function on the blocking pool, as [`tokio::task::spawn_blocking`] does; see [`spawn`].
///
/// # Panics
/// When it is not called from within a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(function: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let (state, claim) = pair(None);
    JoinHandle::new(task::spawn_blocking(tracked(state, function)), claim)
}

/// What is kept of a new task that its caller is about to spawn; none where nobody would hear of it, and no more than the scope
/// where only that would.
#[track_caller]
pub(super) fn state(name: Option<&str>, group: Option<&Arc<Group>>) -> Option<Shared<TaskState>> {
    // Not in a closure, which is called from here.
    let spawned_at = Location::caller();
    let watched = engine::is_started() && recorder::mode() != Mode::Off;
    let scope = observe::scope_here();
    if watched {
        return Some(TaskState::new(spawned_at, name, group.cloned(), scope));
    }
    (scope != 0).then(|| TaskState::of_scope(spawned_at, scope))
}

/// [`state`], for the task and for its handle.
#[track_caller]
pub(super) fn pair(name: Option<&str>) -> (Option<Shared<TaskState>>, Option<Shared<TaskState>>) {
    match state(name, None) {
        Some(state) if state.is_of_scope_alone() => (Some(state), None),
        Some(state) => {
            let (task, claim) = state.twin();
            (Some(task), Some(claim))
        }
        None => (None, None),
    }
}

/// A function that notes how it ends.
pub(super) fn tracked<R: 'static>(
    state: Option<Shared<TaskState>>,
    function: impl FnOnce() -> R,
) -> impl FnOnce() -> R {
    let judge: Judge<R> = error_of_std;
    move || {
        let Some(state) = state else { return function() };
        state.begin_in_scope();
        if state.is_of_scope_alone() {
            drop(state);
            return function();
        }
        let before = panics::count();
        let result = catch_unwind(AssertUnwindSafe(function));
        match &result {
            Ok(output) => {
                if let Some(error) = judge(output) {
                    failure::returned(&state, error);
                }
            }
            Err(payload) => failure::panicked(&state, payload.as_ref(), before),
        }
        state.finish();
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn};
    use std::pin::pin;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Context, Poll, Waker};
    use tokio::task::yield_now;

    /// How many tasks of a scope live on that spawns a task and sees it end before it hears of its handle, as it does when
    /// another thread is quicker.
    async fn left_by<T>(spawn: impl FnOnce(Option<Shared<TaskState>>) -> task::JoinHandle<T>) -> usize {
        let wants = observe::Wants { tasks: true, ..observe::Wants::default() };
        let seen = observe::scope(wants, async {
            let (state, claim) = pair(None);
            let spawned = spawn(state);
            while !spawned.is_finished() {
                yield_now().await;
            }
            JoinHandle::new(spawned, claim).await
        });
        seen.await.tasks.len()
    }

    #[test]
    fn what_a_task_spawns_is_its_scopes_even_before_the_scope_hears_of_the_task() {
        let leaks = || drop(self::spawn(pending::<()>()));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let left =
                left_by(|state| tokio::spawn(Tracked::new(state, error_of_std, async move { leaks() })));
            assert_eq!(left.await, 1, "a task");
            let left = left_by(|state| task::spawn_blocking(tracked(state, leaks)));
            assert_eq!(left.await, 1, "a job of the blocking pool");
        });
    }

    #[test]
    fn a_task_that_is_not_watched_is_polled_as_tokio_would_though_a_scope_is_open() {
        let seen = observe::scope(observe::Wants::default(), async {
            let at = Location::caller();
            let scope = observe::scope_here();
            assert_ne!(scope, 0);
            let tokios = poll_fn(|context| {
                assert!(context.waker().will_wake(Waker::noop()), "it has tokio's own waker");
                Poll::<()>::Pending
            });
            let mut task = pin!(Tracked::new(Some(TaskState::of_scope(at, scope)), error_of_std, tokios));
            for _ in 0..2 {
                assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
            if !engine::is_started() {
                let (state, claim) = pair(Some("named"));
                assert!(state.is_some_and(|state| state.is_of_scope_alone()) && claim.is_none());
            }
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(seen);
    }

    #[test]
    fn what_a_task_spawns_once_its_scope_is_closed_is_of_the_scope_around_it() {
        let wants = || observe::Wants { tasks: true, ..observe::Wants::default() };
        let (begun, closed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begins, is_closed) = (Arc::clone(&begun), Arc::clone(&closed));
        let spawns = async move {
            begins.store(true, Relaxed);
            while !is_closed.load(Relaxed) {
                yield_now().await;
            }
            drop(self::spawn(pending::<()>()));
        };
        let around = observe::scope(wants(), async {
            let within = observe::scope(wants(), async {
                let (state, claim) = pair(None);
                let spawned = tokio::spawn(Tracked::new(state, error_of_std, spawns));
                while !begun.load(Relaxed) {
                    yield_now().await;
                }
                (spawned, claim)
            });
            let (spawned, claim) = within.await.output;
            closed.store(true, Relaxed);
            while !spawned.is_finished() {
                yield_now().await;
            }
            JoinHandle::new(spawned, claim).await
        });
        let seen = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(around);
        assert_eq!(seen.tasks.len(), 1);
    }
}
