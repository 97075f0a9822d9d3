//! The future given to `block_on`, which no hook of tokio's sees.

use super::TIER;
use crate::recorder;
use stallscope_wire::Tier;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::worker_index;

/// Records the polls of a root future as the hooks do those of tasks.
pub(crate) struct Root<F> {
    probe: Option<u32>,
    enlisted: bool,
    location: &'static Location<'static>,
    // Boxed so that polling needs no projection of a pin; there is one root future.
    future: Pin<Box<F>>,
}

impl<F: Future> Root<F> {
    pub(crate) fn new(probe: Option<u32>, location: &'static Location<'static>, future: F) -> Self {
        Self { probe, enlisted: false, location, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Root<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(probe) = self.probe else { return self.future.as_mut().poll(context) };
        if !self.enlisted {
            self.enlisted = true;
            // A runtime of one thread runs its tasks on this one too.
            if TIER == Tier::Sampled && worker_index().is_some() {
                recorder::enlist(probe);
            }
        }
        recorder::begin_other(probe, Some(self.location));
        let _finish = Finish(probe);
        self.future.as_mut().poll(context)
    }
}

/// Closes the record even when the poll panics.
struct Finish(u32);

impl Drop for Finish {
    fn drop(&mut self) {
        recorder::finish(self.0);
    }
}
