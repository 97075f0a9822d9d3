//! How long the cases block.

use rustix::time::{ClockId, clock_gettime};
use std::thread;
use std::time::Duration;

/// How long a case waits: several times the threshold, which is 50 ms.
pub(crate) const LONG: Duration = Duration::from_millis(200);

/// Processor time that a case computes for. It is not wall time, so that a case blocks on a crowded machine no less.
const COMPUTED: Duration = Duration::from_millis(130);

/// Runs something on a thread of its own, [`LONG`] from now.
pub(crate) fn later(body: impl FnOnce() + Send + 'static) {
    thread::spawn(|| {
        thread::sleep(LONG);
        body();
    });
}

/// Tells when this thread has computed for long enough.
pub(crate) struct Work {
    until: Duration,
}

impl Work {
    /// The usual amount.
    pub(crate) fn begin() -> Self {
        Self::of(COMPUTED)
    }

    /// A given amount of processor time.
    pub(crate) fn of(time: Duration) -> Self {
        Self { until: spent() + time }
    }

    pub(crate) fn goes_on(&self) -> bool {
        spent() < self.until
    }
}

/// Processor time of this thread.
pub(crate) fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
