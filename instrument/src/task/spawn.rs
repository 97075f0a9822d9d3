//! The functions that stand in for tokio's.

use super::failure::{self, Judge, error_of_result, error_of_std};
use super::future::Tracked;
use super::group::Group;
use super::handle::JoinHandle;
use super::panics;
use super::shared::Shared;
use super::state::TaskState;
use crate::{engine, recorder};
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

/// What is kept of a new task that its caller spawns; none where nobody would hear of it.
#[track_caller]
pub(super) fn state(name: Option<&str>, group: Option<&Arc<Group>>) -> Option<Shared<TaskState>> {
    // Not in a closure, which is called from here.
    let spawned_at = Location::caller();
    let watched = engine::is_started() && recorder::mode() != Mode::Off;
    watched.then(|| TaskState::new(spawned_at, name, group.cloned()))
}

/// [`state`], for the task and for its handle.
#[track_caller]
pub(super) fn pair(name: Option<&str>) -> (Option<Shared<TaskState>>, Option<Shared<TaskState>>) {
    match state(name, None) {
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
