//! The stack of a blocked thread, without harm to it.
//!
//! A thread that waits in a system call is never signalled: its stack is read from outside. A running one gets a signal
//! whose handler copies registers and stack, no more. Unwinding happens afterwards, from the copy.
//!
//! The kernel says "running" also of a thread that it runs within a system call, and a thread may enter one right after it
//! was looked at. Therefore the signal is not sent: the thread's own CPU clock brings it, as `timer` explains.

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
#[path = "linux.rs"]
mod platform;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere))))]
#[path = "elsewhere.rs"]
mod platform;
pub(crate) mod thread;

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod blind;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod calls;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod handler;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod memory;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod modules;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod signal;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod status;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod syscall;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod timer;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere)))]
mod unwind;

pub(crate) use platform::{CallReader, Capturer, Place, Reading, Waiting};

use stallscope_wire::Quality;
use std::sync::Arc;

/// A stack as addresses in files; names come later, elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct RawStack {
    pub(crate) quality: Quality,
    /// Innermost first.
    pub(crate) frames: Vec<RawFrame>,
}

/// An address in a file: that of the instruction, or of the call that has not returned.
#[derive(Debug, Clone)]
pub(crate) struct RawFrame {
    /// None when no loaded file covers the address.
    pub(crate) module: Option<Arc<ModuleFile>>,
    /// In the module's own address space; without a module, in the process's.
    pub(crate) offset: u64,
}

/// A file that is mapped into the process.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModuleFile {
    pub(crate) path: String,
    pub(crate) build_id: Option<String>,
    /// The program itself, which can be opened even when its file was replaced.
    pub(crate) program: bool,
}

/// A thread's stack and what the kernel says it does.
#[derive(Debug, Clone)]
pub(crate) struct Captured {
    pub(crate) stack: Option<RawStack>,
    pub(crate) activity: Activity,
    /// The thread was asked and has not answered: it waits for a processor, or is in the kernel for long. It stays asked.
    pub(crate) silent: bool,
}

/// What the kernel says a thread does.
#[cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64", not(stallscope_elsewhere))),
    expect(dead_code, reason = "no kernel but Linux says more than nothing")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// On a processor, or ready for one.
    Running,
    /// In a system call.
    Syscall(Syscall),
    /// In the kernel without a system call: it waits for a page of memory.
    PageFault,
    /// It cannot be read.
    Unknown,
}

/// A system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syscall {
    pub(crate) number: i64,
    /// Its name, when it is one that can block.
    pub(crate) name: Option<&'static str>,
}
