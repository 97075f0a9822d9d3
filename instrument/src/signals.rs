//! Signal masks and exit, for our own threads.
#![cfg_attr(
    all(unix, not(stallscope_elsewhere)),
    expect(unsafe_code, reason = "signal masks and atexit are reached through libc")
)]

/// Runs `make` with all signals blocked, so that a thread made by it is never chosen to handle one of the app's.
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn blocked<T>(make: impl FnOnce() -> T) -> T {
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the set was filled by the call below.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
        }
    }
    // SAFETY: both sets are plain data that the calls fill before they are read.
    let _restore = unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        Restore(before)
    };
    make()
}

/// Runs `make`.
#[cfg(not(all(unix, not(stallscope_elsewhere))))]
pub(crate) fn blocked<T>(make: impl FnOnce() -> T) -> T {
    make()
}

/// Has `finish` called when the program exits in order.
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn at_exit(finish: extern "C" fn()) {
    // SAFETY: a function of the program, which is never unloaded.
    unsafe { libc::atexit(finish) };
}

/// Has `note` called in every process that is forked off, before anything else runs there.
#[cfg(feature = "http")]
#[cfg(all(unix, not(stallscope_elsewhere)))]
pub(crate) fn at_fork(note: unsafe extern "C" fn()) {
    // SAFETY: a function of the program, which is never unloaded, and the callers' functions do nothing but store.
    unsafe { libc::pthread_atfork(None, None, Some(note)) };
}

/// Forks are not seen on this platform.
#[cfg(feature = "http")]
#[cfg(not(all(unix, not(stallscope_elsewhere))))]
pub(crate) fn at_fork(_note: unsafe extern "C" fn()) {}

/// Exits are not seen on this platform: the guard's drop writes what was seen.
#[cfg(not(all(unix, not(stallscope_elsewhere))))]
pub(crate) fn at_exit(_finish: extern "C" fn()) {}
