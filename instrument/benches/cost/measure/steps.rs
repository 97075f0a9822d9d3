//! Counts the instructions that a thread runs, by having the processor trap after each.
//!
//! It needs no counter in the processor, which virtual machines hide, no right to trace, and no tool; the count is the same
//! on a busy machine as on a quiet one.
#![cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    expect(
        unsafe_code,
        reason = "the trap flag is set by instructions, and its signal handled through libc"
    )
)]

pub(crate) use counting::count;

/// Whether instructions can be counted here.
pub(crate) const AVAILABLE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counting {
    use std::arch::asm;
    use std::mem;
    use std::ptr;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static STEPS: AtomicU64 = AtomicU64::new(0);

    extern "C" fn step(_: libc::c_int) {
        STEPS.store(STEPS.load(Relaxed) + 1, Relaxed);
    }

    /// The instructions that this thread runs for `run`, and a few around it. One thread at a time may count.
    pub(crate) fn count(run: impl FnOnce()) -> u64 {
        handle_traps();
        STEPS.store(0, Relaxed);
        // SAFETY: the flag makes the processor trap after each instruction of this thread, which the handler answers by
        // counting; everything else goes on as it would. The stack is as before.
        unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
        run();
        // SAFETY: takes back what was done above. The stack is as before.
        unsafe { asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq") };
        STEPS.load(Relaxed)
    }

    fn handle_traps() {
        // SAFETY: all zeros is a valid `sigaction`; the handler takes what the kernel passes, and touches one atomic.
        let set = unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = step as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGTRAP, &raw const action, ptr::null_mut())
        };
        assert_eq!(set, 0, "SIGTRAP can be handled");
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod counting {
    pub(crate) fn count(run: impl FnOnce()) -> u64 {
        run();
        0
    }
}
