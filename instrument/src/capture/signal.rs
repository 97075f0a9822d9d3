//! The stack of a running thread: a signal whose handler copies registers and stack into a buffer.
//!
//! The signal is SIGURG, which is ignored by default, so that a stray one can do nothing. It carries a token. A handler
//! that finds the token of a request that is over does nothing; a signal without our mark is the app's, and is passed on to
//! the handler that ours replaced.
#![expect(unsafe_code, reason = "signals are reached through libc, and the handler copies raw stack memory")]

use crate::recorder::{Cell, Open, Registered};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};
use std::time::{Duration, Instant};

const SIGNAL: i32 = libc::SIGURG;
/// Marks a signal as ours, in the upper half of its value; the token is in the lower.
const MARK: u64 = 0x5ca1_1000;
/// How much stack is copied at most.
pub(super) const ROOM: usize = 64 * 1024;
/// How long a signal may take until it is given up: the thread may wait for a processor.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long a handler that has begun may take until the buffer is left to it.
const HANDLER_PATIENCE: Duration = Duration::from_secs(2);

/// The states of a request, in the low bits of its word.
const IDLE: u64 = 0;
const ARMED: u64 = 1;
const CLAIMED: u64 = 2;
const DONE: u64 = 3;
const MISSED: u64 = 4;

/// State and token of a request in one word, so that a late handler cannot claim the request that came after its own.
const fn word(token: u32, state: u64) -> u64 {
    (token as u64) << 32 | state
}

const fn token_of(word: u64) -> u32 {
    (word >> 32) as u32
}

const fn state_of(word: u64) -> u64 {
    word & u32::MAX as u64
}

/// The one request there is at a time. The watchdog owns everything while its state is idle, done or missed; the handler
/// from claiming it to done or missed. `word` hands over with acquire and release.
struct Request {
    word: AtomicU64,
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
    word: AtomicU64::new(word(0, IDLE)),
    cell: AtomicPtr::new(ptr::null_mut()),
    open: UnsafeCell::new(Open { version: 0, task: 0, location: None }),
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
    /// The thread has moved on meanwhile, perhaps into a system call.
    Moved,
    /// Another handler stands in our place.
    Replaced,
    /// A handler has not come back yet.
    Broken,
}

/// Sends signals. There is one in the process: the watchdog's.
#[derive(Debug)]
pub(super) struct Signaller {
    /// That of the last request.
    token: u32,
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
        Some(Self { token: 0 })
    }

    /// Copies the registers and stack of a running thread that is still at `open`. `still_runs` is asked at the last moment:
    /// without its consent no signal is sent.
    pub(super) fn copy(
        &mut self,
        target: &Registered,
        open: Open,
        still_runs: impl FnOnce() -> bool,
    ) -> Result<Snapshot, Missed> {
        let last = REQUEST.word.load(Acquire);
        if state_of(last) == CLAIMED {
            return Err(Missed::Broken);
        }
        if !stands() {
            return Err(Missed::Replaced);
        }
        self.token = token_of(last).wrapping_add(1);
        // SAFETY: no request is under way, so the handler does not read `open`.
        unsafe { *REQUEST.open.get() = open };
        REQUEST.cell.store(ptr::from_ref(target.cell).cast_mut(), Relaxed);
        REQUEST.stack_low.store(target.thread.stack.0, Relaxed);
        REQUEST.stack_high.store(target.thread.stack.1, Relaxed);
        REQUEST.word.store(word(self.token, ARMED), Release);
        let sent = if still_runs() { send(target.thread.tid, self.token) } else { Err(Missed::Moved) };
        let state = if sent.is_ok() { self.wait() } else { self.withdraw() };
        match state {
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
            CLAIMED => Err(Missed::Broken),
            _ => Err(sent.err().unwrap_or(Missed::Silent)),
        }
    }

    /// Waits for the handler; what state it left.
    fn wait(&self) -> u64 {
        let begun = Instant::now();
        loop {
            let (state, waited) = (state_of(REQUEST.word.load(Acquire)), begun.elapsed());
            match state {
                DONE | MISSED => return state,
                ARMED if waited > PATIENCE && self.withdraw() == IDLE => return IDLE,
                CLAIMED if waited > HANDLER_PATIENCE => return CLAIMED,
                _ if waited < Duration::from_micros(100) => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
    }

    /// Takes the request back unless the handler has claimed it; the state that holds now.
    fn withdraw(&self) -> u64 {
        match REQUEST.word.compare_exchange(word(self.token, ARMED), word(self.token, IDLE), AcqRel, Acquire)
        {
            Ok(_) => IDLE,
            Err(now) => state_of(now),
        }
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
fn send(tid: i32, token: u32) -> Result<(), Missed> {
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
            value: MARK << 32 | u64::from(token),
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
        let value = (*info).si_value().sival_ptr as u64;
        if (*info).si_code == libc::SI_QUEUE && value >> 32 == MARK {
            let token = value as u32;
            if claim(token) {
                let state = if copy(context.cast()) { DONE } else { MISSED };
                REQUEST.word.store(word(token, state), Release);
            }
        } else {
            pass_on(signal, info, context);
        }
        *libc::__errno_location() = errno;
    }
}

/// Takes the request over, if it is still the one that the signal was sent for.
fn claim(token: u32) -> bool {
    REQUEST.word.compare_exchange(word(token, ARMED), word(token, CLAIMED), AcqRel, Relaxed).is_ok()
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

/// There is one request in the process: tests take turns.
#[cfg(test)]
pub(super) static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::thread;
    use crate::engine::lock;
    use crate::recorder::Thread;

    #[test]
    fn a_late_handler_cannot_claim_the_request_after_its_own() {
        let _alone = lock(&ALONE);
        REQUEST.word.store(word(5, ARMED), Release);
        assert!(!claim(4));
        assert!(claim(5));
        assert!(!claim(5), "it is claimed once");
        REQUEST.word.store(word(5, IDLE), Release);
    }

    #[test]
    fn a_handler_that_finishes_late_is_waited_for_and_no_longer() {
        let _alone = lock(&ALONE);
        let cell: &'static Cell = Box::leak(Box::new(Cell::new()));
        let thread = Thread { tid: thread::tid(), stack: thread::stack(), ..Thread::default() };
        let target = Registered { cell, generation: cell.generation(), thread };
        let mut signaller = Signaller::new().unwrap();
        let mut copy = |still_runs| {
            signaller.copy(&target, Open { version: 0, task: 0, location: None }, || still_runs).map(drop)
        };
        REQUEST.word.store(word(7, CLAIMED), Release);
        assert_eq!(copy(true), Err(Missed::Broken));
        REQUEST.word.store(word(7, DONE), Release);
        assert_eq!(copy(false), Err(Missed::Moved), "no signal is sent without consent");
        assert_eq!(copy(true), Ok(()));
    }

    #[test]
    fn only_a_thread_that_is_gone_has_ended() {
        let gone = std::thread::spawn(thread::tid).join().unwrap();
        assert_eq!(send(gone, 0), Err(Missed::Ended));
        // The kernel refuses a number that no thread can have as it refuses everything else: by another error.
        assert_eq!(send(-1, 0), Err(Missed::Silent));
    }
}
