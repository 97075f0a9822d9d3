//! The handle of a task, which knows whether the result was taken.

use super::failure;
use super::shared::Shared;
use super::state::TaskState;
use crate::observe;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::{self, AbortHandle, Id, JoinError};

/// Awaits a task, as [`tokio::task::JoinHandle`] does, whose methods it has.
///
/// Dropped before it gave the result, it leaves the task running, and should that fail, or have failed, nobody will see it:
/// that is reported as `detached-panic`, with the message and the line.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let handle = stallscope_instrument::spawn(async { 6 * 7 });
/// assert_eq!(handle.await.unwrap(), 42);
/// # });
/// ```
pub struct JoinHandle<T> {
    inner: task::JoinHandle<T>,
    claim: Claim,
}

impl<T> JoinHandle<T> {
    #[inline]
    #[track_caller]
    pub(super) fn new(inner: task::JoinHandle<T>, state: Option<Shared<TaskState>>) -> Self {
        observe::adopt(|| inner.abort_handle(), Location::caller());
        Self { inner, claim: Claim(state) }
    }

    /// Aborts the task: it ends at its next await, unless it is over by then.
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// Whether the task is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// A handle that can abort the task, and no more.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.inner.abort_handle()
    }

    /// tokio's id of the task.
    #[must_use]
    pub fn id(&self) -> Id {
        self.inner.id()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.inner).poll(context);
        if polled.is_ready() {
            self.claim.0 = None;
        }
        polled
    }
}

impl<T> fmt::Debug for JoinHandle<T>
where
    T: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// tokio's handle of the same task, which does not tell whether anybody takes the result: its failure is not reported.
impl<T> From<JoinHandle<T>> for task::JoinHandle<T> {
    fn from(mut handle: JoinHandle<T>) -> Self {
        if let Some(state) = handle.claim.0.take() {
            state.fate.pass_on();
        }
        handle.inner
    }
}

/// A handle for code that wants one of ours. Of a task that tokio's own `spawn` made nothing more is known than before.
impl<T> From<task::JoinHandle<T>> for JoinHandle<T> {
    fn from(inner: task::JoinHandle<T>) -> Self {
        Self::new(inner, None)
    }
}

/// The right to the result of a task. Whoever drops it gives that up.
struct Claim(Option<Shared<TaskState>>);

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(state) = &self.0
            && state.fate.drop_handle()
        {
            failure::tell(state);
        }
    }
}
