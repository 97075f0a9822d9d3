//! Tasks that are joined together.

use super::failure::{error_of_result, error_of_std};
use super::future::Tracked;
use super::group::Group;
use super::spawn::{state, tracked};
use crate::observe;
use std::fmt::{self, Display};
use std::future::{Future, poll_fn};
use std::panic::{self, Location};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::{self, AbortHandle, Id, JoinError, LocalSet};

/// Tasks that are joined in the order in which they end, as in [`tokio::task::JoinSet`], whose methods it has.
///
/// What came out of it was seen. A task that has failed by the time the set is dropped, shut down or detached, or fails
/// after that, and was not joined, is reported as `detached-panic`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut set: stallscope_instrument::task::JoinSet<_> = (0..3).map(|i| async move { i }).collect();
/// let mut sum = 0;
/// while let Some(joined) = set.join_next().await {
///     sum += joined.unwrap();
/// }
/// assert_eq!(sum, 3);
/// # });
/// ```
pub struct JoinSet<T> {
    // Dropped before the group is left: the tasks are aborted by then.
    inner: task::JoinSet<T>,
    group: Membership,
}

/// The handle of a new task, of which an open scope hears.
#[track_caller]
fn observed(handle: AbortHandle) -> AbortHandle {
    observe::adopt(|| handle.clone(), Location::caller());
    handle
}

/// Leaves the group.
#[derive(Default)]
struct Membership(Arc<Group>);

impl Drop for Membership {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<T> JoinSet<T> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: task::JoinSet::new(), group: Membership::default() }
    }

    /// The tasks that have not been joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether all were joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task in the set; see [`spawn`](super::spawn()).
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let future = self.tracked(future, error_of_std);
        observed(self.inner.spawn(future))
    }

    /// Spawns a task in the set, on the runtime of a handle.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let future = self.tracked(future, error_of_std);
        observed(self.inner.spawn_on(future, handle))
    }

    /// Spawns a task in the set, on the current `LocalSet`.
    ///
    /// # Panics
    /// When it is not called from within a `LocalSet`.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let future = self.tracked(future, error_of_std);
        observed(self.inner.spawn_local(future))
    }

    /// Spawns a task in the set, on a `LocalSet`.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, future: F, local: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let future = self.tracked(future, error_of_std);
        observed(self.inner.spawn_local_on(future, local))
    }

    /// Runs a function on the blocking pool, in the set.
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, function: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let function = tracked(state(None, Some(&self.group.0)), function);
        observed(self.inner.spawn_blocking(function))
    }

    /// Runs a function on the blocking pool of a handle's runtime, in the set.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, function: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let function = tracked(state(None, Some(&self.group.0)), function);
        observed(self.inner.spawn_blocking_on(function, handle))
    }

    #[track_caller]
    fn tracked<F, J>(&self, future: F, judge: J) -> Tracked<F, J> {
        Tracked::new(state(None, Some(&self.group.0)), judge, future)
    }

    /// Waits until a task of the set is over, and takes it out. None when the set is empty.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|context| self.poll_join_next(context)).await
    }

    /// As [`JoinSet::join_next`], with the task's id.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|context| self.poll_join_next_with_id(context)).await
    }

    /// Takes a task out of the set that is over. None when there is none.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(without_id)
    }

    /// As [`JoinSet::try_join_next`], with the task's id.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.inner.try_join_next_with_id().inspect(|joined| self.group.0.see(id_of(joined)))
    }

    /// As tokio's method of this name.
    pub fn poll_join_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_join_next_with_id(context).map(|joined| joined.map(without_id))
    }

    /// As tokio's method of this name.
    pub fn poll_join_next_with_id(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        let polled = self.inner.poll_join_next_with_id(context);
        if let Poll::Ready(Some(joined)) = &polled {
            self.group.0.see(id_of(joined));
        }
        polled
    }

    /// Aborts all tasks and waits until they are over. What has failed by then was seen by nobody.
    pub async fn shutdown(&mut self) {
        self.inner.shutdown().await;
        self.group = Membership::default();
    }

    /// Waits until all tasks are over; their results, in the order in which they ended.
    ///
    /// # Panics
    /// When a task panicked, with its panic, or was aborted.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut output = Vec::with_capacity(self.len());
        while let Some(joined) = self.join_next().await {
            match joined {
                Ok(result) => output.push(result),
                Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                Err(error) => panic!("{error}"),
            }
        }
        output
    }

    /// Aborts all tasks; they are still to be joined.
    pub fn abort_all(&mut self) {
        self.inner.abort_all();
    }

    /// Takes all tasks out of the set, and leaves them running. What of them fails is seen by nobody.
    pub fn detach_all(&mut self) {
        self.inner.detach_all();
        self.group = Membership::default();
    }
}

impl<T, E> JoinSet<Result<T, E>>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    /// Spawns a task in the set whose error matters; see [`spawn_fallible`](super::spawn_fallible).
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn_fallible<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let future = self.tracked(future, error_of_result);
        observed(self.inner.spawn(future))
    }
}

fn without_id<T>(joined: Result<(Id, T), JoinError>) -> Result<T, JoinError> {
    joined.map(|(_, result)| result)
}

fn id_of<T>(joined: &Result<(Id, T), JoinError>) -> Id {
    joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id)
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = Self::new();
        set.extend(futures);
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}
