//! Programs that are watched, each in a process of its own, and what is to be seen of them afterwards.

mod mark;
pub(crate) mod program;
mod seen;

pub(crate) use program::program;
pub(crate) use seen::{Seen, place};

use std::time::Duration;
use tokio::runtime::Builder;

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Blocks the thread for clearly longer than the threshold of 100 ms.
pub(crate) const LONG: Duration = ms(300);

/// A builder with two workers.
pub(crate) fn multi_thread() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder
}

/// A builder of the other flavour.
pub(crate) fn current_thread() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    builder
}

/// Runs a future on a runtime that is watched, as a program does that builds its runtime itself.
pub(crate) fn run<F: Future>(mut builder: Builder, root: F) -> F::Output {
    let _guard = stallscope::install(&mut builder).expect("the runtime can be watched");
    builder.build().expect("the runtime can be built").block_on(root)
}
