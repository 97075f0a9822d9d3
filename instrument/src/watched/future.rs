use super::mark::Mark;
use super::sites::Origin;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Watches that a future is polled: one that is dropped before is counted at the line that called this.
///
/// A future does nothing until it is polled. `load();` in place of `load().await;` is found by the compiler, but not what
/// is kept in a variable, a struct or a list that nobody awaits. Such lines are found by the rule `never-awaited`:
///
/// - A line that made futures none of which was ever polled is a finding.
/// - A line of whose futures some were polled is a warning and breaches nothing: `tokio::select!` drops a branch without
///   a poll when another one is ready first, and so does an early return a future that was made before it.
/// - A future that was polled and then dropped before it was ready is counted apart, as cancelled.
/// - A future that another task was given, and that is dropped there without a poll, is excused: the task was aborted,
///   or its runtime shut down, before it came to it. So is one that a panic drops.
/// - A future that is leaked (`std::mem::forget`) is not seen.
///
/// It works everywhere: in any runtime or none, watched or not. What a process counted before it was watched is told once
/// it is. It costs a look into a table when the future is made, an addition at its first poll, and 24 bytes; 1024 lines are
/// told apart, and the futures of all others counted together.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # async fn load() {}
/// let loading = stallscope_instrument::watched(load());
/// loading.await; // without this the line above is reported
/// # });
/// ```
#[track_caller]
pub fn watched<F: Future>(future: F) -> Watched<F> {
    Watched::new(Origin { location: Location::caller(), function: None }, future)
}

/// What an async function becomes that must be awaited.
#[doc(hidden)]
#[track_caller]
pub fn made_by<F: Future>(function: &'static str, future: F) -> Watched<F> {
    Watched::new(Origin { location: Location::caller(), function: Some(function) }, future)
}

/// What a function returns, as a type: the only way to name that of one that never does.
#[doc(hidden)]
pub trait Returns {
    /// The type.
    type Output;
}

impl<R> Returns for fn() -> R {
    type Output = R;
}

/// [`watched`] as a method of every future.
///
/// ```
/// use stallscope_instrument::FutureExt as _;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # async fn load() {}
/// let loading = load().watched();
/// loading.await;
/// # });
/// ```
pub trait FutureExt: Future + Sized {
    /// Watches that the future is polled: see [`watched`].
    #[track_caller]
    fn watched(self) -> Watched<Self> {
        watched(self)
    }
}

impl<F: Future> FutureExt for F {}

pin_project! {
    /// A future that is watched: see [`watched`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Watched<F> {
        #[pin]
        future: F,
        mark: Mark,
    }
}

impl<F> Watched<F> {
    fn new(origin: Origin, future: F) -> Self {
        Self { future, mark: Mark::new(origin) }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.mark.begin_poll();
        let poll = this.future.poll(context);
        if poll.is_pending() {
            this.mark.pends();
        }
        poll
    }
}

impl<F> fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("mark", &self.mark).finish_non_exhaustive()
    }
}
