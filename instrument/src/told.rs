//! What is told, heard within the process: for tests and for scopes that are observed.

use crate::collector::{Listening, listen};
use crate::engine;
use crate::recorder::runtime_id;
use stallscope_wire::Line;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::yield_now;

/// How long an answer is waited for: a result rests on it, and the first look into the debug information of a large program takes
/// several seconds on a crowded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Lines are heard until it is dropped.
#[derive(Debug)]
pub struct Hearing(#[expect(dead_code, reason = "its drop is what it is for")] Listening);

impl Hearing {
    pub(crate) fn of(runtime: u64, speaks: bool, hear: impl FnMut(&Line) + Send + 'static) -> Self {
        Self(listen(runtime, speaks, Box::new(hear)))
    }
}

/// Hears what is told of the runtime that this is called in, on a thread of Stallscope's own; none outside of a runtime, and
/// where nothing is watched.
pub fn hear(hear: impl FnMut(&Line) + Send + 'static) -> Option<Hearing> {
    engine::engine()?;
    Some(Hearing::of(runtime_id(&Handle::try_current().ok()?), false, hear))
}

/// Waits until all that was seen so far has been told; whether it has. The event loop goes on meanwhile, and a clock that is
/// paused stands still.
pub async fn told() -> bool {
    let Some(engine) = engine::engine() else { return false };
    let (answer, begun) = (engine.settling(), Instant::now());
    while begun.elapsed() < PATIENCE {
        match answer.try_recv() {
            Ok(()) => return true,
            Err(TryRecvError::Disconnected) => return false,
            Err(TryRecvError::Empty) => {}
        }
        yield_now().await;
        std::thread::yield_now();
    }
    false
}
