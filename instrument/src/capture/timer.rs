//! A signal that a running thread meets on its way back to its own code, and never within a system call.
//!
//! A signal that one thread sends to another cuts short the call that the other has entered meanwhile: `poll`, `usleep`, each
//! receive with a timeout. So nothing is sent. A timer on the thread's own CPU clock expires only while the thread runs, and
//! the kernel looks at such timers when the thread leaves the kernel, not before (Linux 5.11 and later, on processors with
//! `HAVE_POSIX_CPU_TIMERS_TASK_WORK`): a call that it was in has its result by then. The price is time: the clock is looked at
//! with the kernel's tick, so the signal comes up to a tick later, 1 to 10 ms.
#![expect(unsafe_code, reason = "timers are reached through libc")]

use std::mem::MaybeUninit;
use std::ptr;

/// A timer that is set; dropped, it is deleted, and what it has not sent yet is not sent any more.
#[derive(Debug)]
pub(super) struct Timer(libc::timer_t);

/// The kernel refused the timer: a filter of system calls, the limit on queued signals, or the thread is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

impl Timer {
    /// Has `signal` sent to a thread of this process when it has run for another moment.
    pub(super) fn set(tid: i32, signal: i32, value: u64) -> Result<Self, Refused> {
        // As CLOCK_THREAD_CPUTIME_ID is made for a thread other than the calling one, see clock_getcpuclockid(3):
        // the thread's id inverted, and the bits "of a thread" and "as scheduled".
        let clock = !tid << 3 | 0b110;
        let moment = libc::timespec { tv_sec: 0, tv_nsec: 1 };
        let once =
            libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: moment };
        let mut made = MaybeUninit::uninit();
        // SAFETY: `sigevent` is plain data for which zeros are valid. The kernel reads the event and the times, and refuses a
        // clock of a thread that is not of this process; the timer is read only after the call that makes it succeeded.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_notify_thread_id = tid;
            event.sigev_signo = signal;
            event.sigev_value.sival_ptr = ptr::without_provenance_mut(value as usize);
            if libc::timer_create(clock, &raw mut event, made.as_mut_ptr()) != 0 {
                return Err(Refused);
            }
            let timer = Self(made.assume_init());
            if libc::timer_settime(timer.0, 0, &raw const once, ptr::null_mut()) != 0 {
                return Err(Refused);
            }
            Ok(timer)
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer was made by `set`, and is deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::thread;

    #[test]
    fn a_thread_that_is_gone_or_never_was_is_refused() {
        let gone = std::thread::spawn(thread::tid).join().unwrap();
        assert_eq!(Timer::set(gone, libc::SIGURG, 0).map(drop), Err(Refused));
        assert_eq!(Timer::set(1, libc::SIGURG, 0).map(drop), Err(Refused), "init is no thread of ours");
    }
}
