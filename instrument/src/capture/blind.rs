//! Why stacks are not to be had, for the coverage.

use stallscope_wire::Gap;

/// Something that will not pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blind {
    /// The kernel does not tell what a thread does.
    Calls,
    /// The kernel does not let the process read its own memory by address.
    Memory,
    /// The app has set another handler over ours.
    Replaced,
    /// The kernel refuses the timer that brings the signal.
    Refused,
    /// The thread blocks the signal.
    Masked,
}

impl Blind {
    pub(super) fn gap(self) -> Gap {
        let (what, cure) = match self {
            Self::Calls => (
                "which line waits: the kernel does not let this process read /proc/self/task/*/syscall",
                "start it as the user that it runs as, or exec after changing the user; where /proc is hidden, mount it",
            ),
            Self::Memory => (
                "which line waits: a filter of system calls forbids process_vm_readv, and /proc/self/mem is closed",
                "allow process_vm_readv",
            ),
            Self::Replaced => (
                "which line computes: the app has set a handler of SIGURG over Stallscope's",
                "set it before Stallscope is installed: then Stallscope's passes the app's signals on",
            ),
            Self::Refused => (
                "which line computes: the kernel refuses a timer on the thread's clock",
                "allow timer_create, and raise the limit on pending signals (ulimit -i)",
            ),
            Self::Masked => (
                "which line computes in threads that block SIGURG, or are in a handler of another signal",
                "leave SIGURG unblocked in threads that run tasks",
            ),
        };
        Gap::new(what, format!("{cure}; until then the spawn location of the task is named"))
    }
}
