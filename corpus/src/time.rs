//! How long the cases block.

use rustix::thread::{Pid, gettid};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How long a case waits: several times the threshold, which is 50 ms, but not a power of two times: at these it is looked at.
pub(crate) const LONG: Duration = Duration::from_millis(180);

/// Processor time that a case computes for. It is not wall time, so that a case blocks on a crowded machine no less.
const COMPUTED: Duration = Duration::from_millis(130);

/// Runs something on a thread of its own, [`LONG`] from now.
pub(crate) fn later(body: impl FnOnce() + Send + 'static) {
    thread::spawn(|| {
        thread::sleep(LONG);
        body();
    });
}

/// Tells when this thread has worked for long enough. Another thread counts: a loop that asks the kernel for its time is
/// most often put aside where it asks, and would be seen there.
pub(crate) struct Work {
    over: Arc<AtomicBool>,
}

impl Work {
    /// Goes on until the thread has computed for long enough.
    pub(crate) fn computing() -> Self {
        Self::until(|_, times| times.computed >= COMPUTED)
    }

    /// Goes on until the thread has waited or computed for long enough; that it waited for a processor does not count.
    pub(crate) fn waiting() -> Self {
        Self::until(|elapsed, times| elapsed.saturating_sub(times.put_aside) >= LONG)
    }

    fn until(enough: impl Fn(Duration, Times) -> bool + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (tell, thread) = (Arc::clone(&over), gettid());
        thread::spawn(move || {
            let (begun, before) = (Instant::now(), Times::of(thread));
            while !enough(begun.elapsed(), Times::of(thread) - before) {
                thread::sleep(Duration::from_millis(1));
            }
            tell.store(true, Relaxed);
        });
        Self { over }
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.over.load(Relaxed)
    }
}

/// Where the time of a thread went: sched-stats in the kernel's documentation.
#[derive(Clone, Copy)]
struct Times {
    computed: Duration,
    put_aside: Duration,
}

impl Times {
    fn of(thread: Pid) -> Self {
        let path = format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero());
        let text = fs::read_to_string(path).expect("the kernel counts a thread's time");
        let mut times = text.split(' ').map(|time| Duration::from_nanos(time.parse().unwrap_or(0)));
        let mut next = || times.next().expect("the kernel writes three numbers");
        Self { computed: next(), put_aside: next() }
    }
}

impl Sub for Times {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { computed: self.computed - earlier.computed, put_aside: self.put_aside - earlier.put_aside }
    }
}

/// Processor time of this thread.
pub(crate) fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
