//! The future that stands for a task's own.

use super::failure::{self, Judge};
use super::state::TaskState;
use super::{orphans, panics, tasks, waker};
use crate::engine;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

pin_project! {
    /// Polls the task's future with a waker of ours, and notes how it ends. Without a state it does nothing of its own.
    pub(super) struct Tracked<F>
    where
        F: Future,
    {
        state: Option<Arc<TaskState>>,
        judge: Judge<F::Output>,
        // None once it was dropped, which is done here to see it panic.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Tracked<F>
    where
        F: Future,
    {
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
fn end(state: &Arc<TaskState>) {
    tasks::remove(state);
    state.finish();
    if state.told.load(Relaxed)
        && let Some(engine) = engine::engine()
    {
        engine.tell(orphans::gone(state));
    }
}

impl<F: Future> Tracked<F> {
    pub(super) fn new(state: Option<&Arc<TaskState>>, judge: Judge<F::Output>, future: F) -> Self {
        Self { state: state.cloned(), judge, future: Some(future) }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("a future is not polled once it was dropped");
        let Some(state) = this.state else { return future.poll(context) };
        let before = panics::count();
        let (begun, ours) = state.begin(context.waker());
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if ours {
                future.poll(&mut Context::from_waker(&waker::lent(state)))
            } else {
                future.poll(context)
            }
        }));
        state.inner.take_back();
        match &polled {
            Ok(Poll::Pending) => state.end(begun),
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
