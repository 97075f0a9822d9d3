//! What a thread can tell of itself.
#![cfg_attr(
    all(target_os = "linux", not(stallscope_elsewhere)),
    expect(unsafe_code, reason = "the thread's id and stack are known to libc alone")
)]

/// The calling thread's kernel id.
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
pub(crate) fn tid() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

/// The calling thread's kernel id.
#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
pub(crate) fn tid() -> i32 {
    0
}

/// Where the calling thread's time went so far, as the kernel tells it; empty where it does not.
pub(crate) fn schedstat() -> String {
    std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default()
}

/// The calling thread's stack: its lowest address and the one behind its highest; zeros when they are not known.
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
pub(crate) fn stack() -> (u64, u64) {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the thread is the calling one; the attributes are read only after the call that fills them succeeded,
    // and destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return (0, 0);
        }
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size) != 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if failed { (0, 0) } else { (low as u64, low as u64 + size as u64) }
    }
}

/// The calling thread's stack: its lowest address and the one behind its highest; zeros when they are not known.
#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
pub(crate) fn stack() -> (u64, u64) {
    (0, 0)
}
