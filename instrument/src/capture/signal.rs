//! The stack of a running thread: a signal whose handler copies registers and stack into a buffer.
//!
//! The signal is SIGURG, which is ignored by default, so that a stray one can do nothing. It carries a token; a handler
//! that finds another token than the one asked for, or none, passes the signal on to the handler it replaced.
#![expect(unsafe_code, reason = "signals are reached through libc, and the handler copies raw stack memory")]

use crate::recorder::{Cell, Open, Registered};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

const SIGNAL: i32 = libc::SIGURG;
/// Marks a token as ours, in its upper half.
const MARK: u64 = 0x5ca1_1000 << 32;
/// How much stack is copied at most.
pub(super) const ROOM: usize = 64 * 1024;
/// How long a signal may take until it is given up: the thread may wait for a processor.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long a handler that has begun may take until the buffer is given up for good.
const HANDLER_PATIENCE: Duration = Duration::from_secs(2);

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const CLAIMED: u32 = 2;
const DONE: u32 = 3;
const MISSED: u32 = 4;

/// The one request there is at a time. The watchdog owns everything while `state` is idle, done or missed; the handler
/// from claiming it to done or missed. `state` hands over with acquire and release.
struct Request {
    state: AtomicU32,
    token: AtomicU64,
    cell: AtomicPtr<Cell>,
    open: UnsafeCell<Open>,
    stack_high: AtomicU64,
    stack_low: AtomicU64,
    copy: UnsafeCell<Copied>,
}

/// What the handler left.
#[derive(Clone, Copy)]
struct Copied {
    instruction: u64,
    stack_pointer: u64,
    frame_pointer: u64,
    length: usize,
    bytes: [u8; ROOM],
}

// SAFETY: the unsynchronized parts are touched by one side at a time, as `Request` says.
unsafe impl Sync for Request {}

static REQUEST: Request = Request {
    state: AtomicU32::new(IDLE),
    token: AtomicU64::new(0),
    cell: AtomicPtr::new(ptr::null_mut()),
    open: UnsafeCell::new(Open { start: 0, task: 0, location: None }),
    stack_high: AtomicU64::new(0),
    stack_low: AtomicU64::new(0),
    copy: UnsafeCell::new(Copied {
        instruction: 0,
        stack_pointer: 0,
        frame_pointer: 0,
        length: 0,
        bytes: [0; ROOM],
    }),
};
/// The action that ours replaced, leaked; null before ours is set.
static REPLACED: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// The registers and stack of a thread that was running.
pub(super) struct Snapshot {
    pub(super) instruction: u64,
    pub(super) stack_pointer: u64,
    pub(super) frame_pointer: u64,
    pub(super) bytes: Vec<u8>,
}

/// Why no copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// The poll, or the thread, had ended.
    Ended,
    /// The thread was not run, or blocks the signal, or the kernel refused to queue it.
    Silent,
    /// Another handler stands in our place.
    Replaced,
    /// A handler never came back.
    Broken,
}

/// Sends signals. There is one in the process: the watchdog's.
#[derive(Debug)]
pub(super) struct Signaller {
    token: u64,
    broken: bool,
}

impl Signaller {
    /// Sets the handler. It stays for good: it does nothing without a request.
    pub(super) fn new() -> Option<Self> {
        let mut old = Box::new(std::mem::MaybeUninit::<libc::sigaction>::zeroed());
        // SAFETY: `sigaction` is plain data for which zeros are valid; the handler is async-signal-safe, as it argues
        // for itself, and is never unloaded since it is part of the program.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigfillset(&raw mut action.sa_mask);
            if libc::sigaction(SIGNAL, ptr::null(), old.as_mut_ptr()) != 0 {
                return None;
            }
            // Known before ours can run, so that no signal of the app's is lost between.
            REPLACED.store(Box::into_raw(old).cast(), Release);
            if libc::sigaction(SIGNAL, &raw const action, ptr::null_mut()) != 0 {
                return None;
            }
        }
        Some(Self { token: MARK, broken: false })
    }

    /// Copies the registers and stack of a running thread that is still at `open`.
    pub(super) fn copy(&mut self, target: &Registered, open: Open) -> Result<Snapshot, Missed> {
        if self.broken {
            return Err(Missed::Broken);
        }
        if !stands() {
            return Err(Missed::Replaced);
        }
        self.token = MARK | (self.token + 1) & u64::from(u32::MAX);
        // SAFETY: no request is under way, so the handler does not read `open`.
        unsafe { *REQUEST.open.get() = open };
        REQUEST.cell.store(ptr::from_ref(target.cell).cast_mut(), Relaxed);
        REQUEST.stack_low.store(target.thread.stack.0, Relaxed);
        REQUEST.stack_high.store(target.thread.stack.1, Relaxed);
        REQUEST.token.store(self.token, Relaxed);
        REQUEST.state.store(ARMED, Release);
        let sent = send(target.thread.tid, self.token);
        let state = if sent.is_ok() { self.wait() } else { withdraw() };
        let result = match state {
            DONE => {
                // SAFETY: `DONE` was read with acquire, so the handler's writes are seen and it writes no more.
                let copy = unsafe { &*REQUEST.copy.get() };
                Ok(Snapshot {
                    instruction: copy.instruction,
                    stack_pointer: copy.stack_pointer,
                    frame_pointer: copy.frame_pointer,
                    bytes: copy.bytes[..copy.length].to_vec(),
                })
            }
            MISSED => Err(Missed::Ended),
            CLAIMED => {
                self.broken = true;
                return Err(Missed::Broken);
            }
            _ => Err(sent.err().unwrap_or(Missed::Silent)),
        };
        REQUEST.state.store(IDLE, Relaxed);
        result
    }

    /// Waits for the handler; what state it left.
    fn wait(&self) -> u32 {
        let begun = Instant::now();
        loop {
            let (state, waited) = (REQUEST.state.load(Acquire), begun.elapsed());
            match state {
                DONE | MISSED => return state,
                ARMED if waited > PATIENCE && withdraw() == IDLE => return IDLE,
                CLAIMED if waited > HANDLER_PATIENCE => return CLAIMED,
                _ if waited < Duration::from_micros(100) => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
    }
}

/// Takes the request back unless the handler has claimed it; the state that holds now.
fn withdraw() -> u32 {
    match REQUEST.state.compare_exchange(ARMED, IDLE, AcqRel, Acquire) {
        Ok(_) => IDLE,
        Err(state) => state,
    }
}

/// Whether our handler is the one that the kernel would call.
fn stands() -> bool {
    // SAFETY: only asks; zeros are a valid `sigaction` to be overwritten.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(SIGNAL, ptr::null(), &raw mut current) == 0
            && current.sa_sigaction == handler as *const () as usize
    }
}

/// Queues the signal with our token for one thread of this process.
fn send(tid: i32, token: u64) -> Result<(), Missed> {
    // The layout that rt_tgsigqueueinfo(2) takes for SI_QUEUE on 64-bit Linux: signo, errno, code, padding, pid, uid, value.
    #[repr(C)]
    struct Info {
        signo: i32,
        errno: i32,
        code: i32,
        padding: i32,
        pid: i32,
        uid: u32,
        value: u64,
        rest: [u64; 12],
    }
    const { assert!(size_of::<Info>() == 128) };
    // SAFETY: the kernel reads 128 bytes from `info` and refuses a thread that is not of this process.
    unsafe {
        let pid = libc::getpid();
        let info = Info {
            signo: SIGNAL,
            errno: 0,
            code: libc::SI_QUEUE,
            padding: 0,
            pid,
            uid: libc::getuid(),
            value: token,
            rest: [0; 12],
        };
        if libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, SIGNAL, &raw const info) == 0 {
            return Ok(());
        }
    }
    // Another error is the kernel's limit on queued signals, or a filter of system calls: the thread is there.
    let gone = std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
    Err(if gone { Missed::Ended } else { Missed::Silent })
}

/// Async-signal-safe: atomics and one copy within the interrupted stack, no call into libc but errno's address, no lock,
/// no allocation, no thread-local of Rust's.
unsafe extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid info and context to a handler set with SA_SIGINFO.
    unsafe {
        let errno = *libc::__errno_location();
        let token = (*info).si_value().sival_ptr as u64;
        let ours = (*info).si_code == libc::SI_QUEUE && token >> 32 == MARK >> 32;
        if ours {
            if token == REQUEST.token.load(Relaxed)
                && REQUEST.state.compare_exchange(ARMED, CLAIMED, AcqRel, Relaxed).is_ok()
            {
                let state = if copy(context.cast()) { DONE } else { MISSED };
                REQUEST.state.store(state, Release);
            }
        } else {
            pass_on(signal, info, context);
        }
        *libc::__errno_location() = errno;
    }
}

/// Copies the interrupted thread's registers and stack; false when its poll is over.
///
/// # Safety
/// Called from the handler, with the request claimed.
unsafe fn copy(context: *const libc::ucontext_t) -> bool {
    // SAFETY: the request is claimed, so nobody else touches it. The cell is never freed. The stack is the interrupted
    // thread's own, from its stack pointer to its end, which stays mapped while the handler runs on the thread.
    unsafe {
        let cell = &*REQUEST.cell.load(Relaxed);
        if !cell.is_at(*REQUEST.open.get()) {
            return false;
        }
        let registers = &(*context).uc_mcontext.gregs;
        let register = |index: i32| registers[index as usize] as u64;
        let copied = REQUEST.copy.get();
        let stack_pointer = register(libc::REG_RSP);
        (*copied).instruction = register(libc::REG_RIP);
        (*copied).stack_pointer = stack_pointer;
        (*copied).frame_pointer = register(libc::REG_RBP);
        let (low, high) = (REQUEST.stack_low.load(Relaxed), REQUEST.stack_high.load(Relaxed));
        // A stack pointer outside belongs to another stack, whose bounds are not known: nothing is copied.
        let length =
            if (low..high).contains(&stack_pointer) { ROOM.min((high - stack_pointer) as usize) } else { 0 };
        ptr::copy_nonoverlapping(stack_pointer as *const u8, (&raw mut (*copied).bytes).cast::<u8>(), length);
        (*copied).length = length;
        true
    }
}

/// Calls the handler that ours replaced, if there was one.
///
/// # Safety
/// Called from the handler with what the kernel passed to it.
unsafe fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: a non-null pointer is a leaked `sigaction` that the kernel filled; an action that is neither default nor
    // ignore is a function of the form that its flags say.
    unsafe {
        let Some(replaced) = REPLACED.load(Acquire).as_ref() else { return };
        match replaced.sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {}
            function if replaced.sa_flags & libc::SA_SIGINFO != 0 => {
                let function: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(function);
                function(signal, info, context);
            }
            function => {
                let function: extern "C" fn(i32) = std::mem::transmute(function);
                function(signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::thread;

    #[test]
    fn only_a_thread_that_is_gone_has_ended() {
        let gone = std::thread::spawn(thread::tid).join().unwrap();
        assert_eq!(send(gone, MARK), Err(Missed::Ended));
        // The kernel refuses a number that no thread can have as it refuses everything else: by another error.
        assert_eq!(send(-1, MARK), Err(Missed::Silent));
    }
}
