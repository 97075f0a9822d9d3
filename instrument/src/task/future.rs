//! The future that stands for a task's own.

use super::failure;
use super::shared::Shared;
use super::state::TaskState;
use super::waiting::Waiting;
use super::waker::{self, Loan};
use super::{orphans, panics, tasks};
use crate::engine;
use pin_project_lite::pin_project;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

pin_project! {
    /// Polls the task's future with a waker of ours, and notes how it ends. Without a state it does nothing of its own.
    pub(super) struct Tracked<F, J> {
        state: Option<Shared<TaskState>>,
        judge: J,
        // None once it was dropped, which is done here to see it panic.
        #[pin]
        future: Option<F>,
    }

    impl<F, J> PinnedDrop for Tracked<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(state) = this.state.take().filter(|state| !state.is_of_scope_alone()) {
                drop_watched(&state, || this.future.set(None));
            }
        }
    }
}

/// Drops the future of a task that was not over: it panicked, or is dropped before it was ready.
#[cold]
fn drop_watched(state: &Shared<TaskState>, drop: impl FnOnce()) {
    let before = panics::count();
    let dropped = catch_unwind(AssertUnwindSafe(drop));
    if let Err(payload) = &dropped {
        failure::panicked(state, payload.as_ref(), before);
    }
    end(state);
    if let Err(payload) = dropped {
        resume_unwind(payload);
    }
}

/// The task is over, or dropped.
#[inline]
fn end(state: &Shared<TaskState>) {
    state.finish();
    if let Some(waiting) = state.waiting() {
        unlist(state, waiting);
    }
}

/// Takes the task off the list, and tells that it is no longer lost if it was told that it is.
fn unlist(state: &Shared<TaskState>, waiting: &Waiting) {
    if tasks::remove(state, waiting)
        && waiting.told.load(Relaxed)
        && let Some(engine) = engine::engine()
    {
        engine.tell(orphans::gone(state, waiting));
    }
}

impl<F, J> Tracked<F, J> {
    /// `judge` is a [`Judge`](failure::Judge) of the output.
    #[inline]
    pub(super) const fn new(state: Option<Shared<TaskState>>, judge: J, future: F) -> Self {
        Self { state, judge, future: Some(future) }
    }
}

impl<F, J> Future for Tracked<F, J>
where
    F: Future,
    J: Fn(&F::Output) -> Option<&dyn Display>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let mut future = this.future.as_mut();
        let Some(state) = this.state else { return live(future).poll(context) };
        if state.is_of_scope_alone() {
            state.begin_in_scope();
            *this.state = None;
            return live(future).poll(context);
        }
        let before = panics::count();
        let begun = state.begin();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = poll_watched(state, live(future.as_mut()), context);
            if let Poll::Ready(output) = &polled {
                if let Some(error) = (this.judge)(output) {
                    failure::returned(state, error);
                }
                // tokio would do it next, and that it panics is seen here at no further cost.
                future.set(None);
            }
            polled
        }));
        match polled {
            Ok(Poll::Pending) => TaskState::end(state, begun),
            Ok(Poll::Ready(_)) => {
                end(state);
                *this.state = None;
            }
            Err(ref payload) => failure::panicked(state, payload.as_ref(), before),
        }
        polled.unwrap_or_else(|payload| resume_unwind(payload))
    }
}

/// The future, which is there until it was ready.
#[inline]
fn live<F>(future: Pin<&mut Option<F>>) -> Pin<&mut F> {
    future.as_pin_mut().expect("a future is not polled once it was dropped")
}

#[inline]
fn poll_watched<F: Future>(
    state: &Shared<TaskState>,
    future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    match state.waiting().and_then(|waiting| waiting.inner.kept()) {
        None => {
            let loan = Loan::new(state, context.waker());
            future.poll(&mut Context::from_waker(&loan.waker()))
        }
        Some(kept) if kept.will_wake(context.waker()) => {
            future.poll(&mut Context::from_waker(&waker::lent(state)))
        }
        Some(_) => {
            state.stray();
            future.poll(context)
        }
    }
}
