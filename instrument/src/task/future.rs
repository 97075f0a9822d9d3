//! The future that stands for a task's own.

use super::failure::{self, Judge};
use super::state::TaskState;
use super::{orphans, tasks};
use crate::{clock, engine};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

pin_project! {
    /// Polls the task's future with a waker of ours, and notes how it ends. Without a state it does nothing of its own.
    pub(super) struct Tracked<F>
    where
        F: Future,
    {
        task: Option<Task>,
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
            let Some(task) = this.task.take() else { return };
            let since = clock::ticks();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
            if let Err(payload) = &dropped {
                failure::panicked(&task.state, payload.as_ref(), since);
            }
            task.end();
            if let Err(payload) = dropped {
                resume_unwind(payload);
            }
        }
    }
}

/// A task's state and its waker, kept: between two polls it is the same, and no poll makes one.
struct Task {
    state: Arc<TaskState>,
    waker: Waker,
}

impl Task {
    fn end(&self) {
        tasks::remove(&self.state);
        self.state.finish();
        if self.state.told.load(Relaxed)
            && let Some(engine) = engine::engine()
        {
            engine.tell(orphans::gone(&self.state));
        }
    }
}

impl<F: Future> Tracked<F> {
    pub(super) fn new(state: Option<&Arc<TaskState>>, judge: Judge<F::Output>, future: F) -> Self {
        let task =
            state.map(|state| Task { state: Arc::clone(state), waker: Waker::from(Arc::clone(state)) });
        Self { task, judge, future: Some(future) }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("a future is not polled once it was dropped");
        let Some(Task { state, waker }) = this.task else { return future.poll(context) };
        let (since, ours) = state.begin(context.waker());
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if ours { future.poll(&mut Context::from_waker(waker)) } else { future.poll(context) }
        }));
        match &polled {
            Ok(Poll::Pending) => tasks::insert(state),
            Ok(Poll::Ready(output)) => {
                if let Some(error) = (this.judge)(output) {
                    failure::returned(state, error);
                }
            }
            Err(payload) => failure::panicked(state, payload.as_ref(), since),
        }
        state.end();
        polled.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
