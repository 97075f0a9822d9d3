//! Tasks with a name.

use super::failure::{Judge, error_of_result, error_of_std};
use super::future::Tracked;
use super::handle::JoinHandle;
use super::spawn::{pair, tracked};
use std::fmt::Display;
use std::future::Future;
use std::io;
use tokio::runtime::Handle;
use tokio::task;

/// Gives a task a name, as tokio's own unstable `task::Builder` does, and needs no special build for it. The name stands in what is
/// told of the task and of the line that spawned it, where the first name holds, cut at 64 bytes.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let handle = stallscope_instrument::task::Builder::new().name("mailer").spawn(async {})?;
/// handle.await.unwrap();
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a builder spawns nothing by itself"]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// One that gives no name.
    pub const fn new() -> Self {
        Self { name: None }
    }

    /// The name of the tasks that it spawns.
    pub const fn name(&self, name: &'a str) -> Self {
        Self { name: Some(name) }
    }

    /// As [`spawn`](super::spawn()).
    ///
    /// # Errors
    /// None so far; tokio's builder has the same type.
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(self.spawn_judged(future, error_of_std))
    }

    /// As [`spawn_fallible`](super::spawn_fallible).
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Display + Send + 'static,
    {
        Ok(self.spawn_judged(future, error_of_result))
    }

    #[track_caller]
    fn spawn_judged<F>(self, future: F, judge: Judge<F::Output>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (state, claim) = pair(self.name);
        JoinHandle::new(tokio::spawn(Tracked::new(state, judge, future)), claim)
    }

    /// As [`spawn`](super::spawn()), on the runtime of a handle.
    ///
    /// # Errors
    /// None so far.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (state, claim) = pair(self.name);
        Ok(JoinHandle::new(handle.spawn(Tracked::new(state, error_of_std, future)), claim))
    }

    /// As [`spawn_local`](super::spawn_local).
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Panics
    /// When it is not called from within a `LocalSet`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (state, claim) = pair(self.name);
        Ok(JoinHandle::new(task::spawn_local(Tracked::new(state, error_of_std, future)), claim))
    }

    /// As [`spawn_blocking`](super::spawn_blocking).
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Panics
    /// When it is not called from within a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, function: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let (state, claim) = pair(self.name);
        Ok(JoinHandle::new(task::spawn_blocking(tracked(state, function)), claim))
    }
}
