use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The processor's time that this thread has had. Work that is measured by it is the same on a busy machine, which gives a
/// thread less of it, and takes longer there.
pub(in super::super) fn time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // A clock of the kernel's that counts up from nothing is never negative.
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
