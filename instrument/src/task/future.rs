//! The future that stands for a task's own.

use super::failure;
use super::shared::Shared;
use super::state::TaskState;
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
            let Some(state) = this.state.take() else { return };
            let before = panics::count();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
            if let Err(payload) = &dropped {
                failure::panicked(&state, payload.as_ref(), before);
            }
            end(&state);
            if let Err(payload) = dropped {
                resume_unwind(payload);
            }
        }
    }
}

/// The task is over, or dropped.
#[inline]
fn end(state: &Shared<TaskState>) {
    state.finish();
    if tasks::remove(state)
        && state.told.load(Relaxed)
        && let Some(engine) = engine::engine()
    {
        engine.tell(orphans::gone(state));
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
        let this = self.project();
        let future = this.future.as_pin_mut().expect("a future is not polled once it was dropped");
        let Some(state) = this.state else { return future.poll(context) };
        let before = panics::count();
        let begun = state.begin();
        let polled = catch_unwind(AssertUnwindSafe(|| match state.inner.kept() {
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
        }));
        match &polled {
            Ok(Poll::Pending) => TaskState::end(state, begun),
            Ok(Poll::Ready(output)) => {
                if let Some(error) = (this.judge)(output) {
                    failure::returned(state, error);
                }
            }
            Err(payload) => failure::panicked(state, payload.as_ref(), before),
        }
        polled.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
