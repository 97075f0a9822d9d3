//! The signal's handler, and the requests that it answers: each asks one thread for its registers and stack.
//!
//! The signal is SIGURG, which is ignored by default, so that a stray one can do nothing. It carries a token. A handler that
//! finds the token of a request that is over does nothing; a signal without our mark is the app's, and is passed on to the
//! handler that ours replaced.
#![expect(unsafe_code, reason = "signals are reached through libc, and the handler copies raw stack memory")]

use crate::recorder::{Cell, Open, Registered};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};

pub(super) const SIGNAL: i32 = libc::SIGURG;
/// Marks a signal as ours, in the upper half of its value; the token is in the lower.
const MARK: u64 = 0x5ca1_1000;
/// How much stack is copied at most.
const ROOM: usize = 64 * 1024;
/// How many threads are asked at a time. Memory that is not used is not resident.
pub(super) const SLOTS: usize = 8;

/// What has become of a request, in the low bits of its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody is asked.
    Idle,
    /// The thread has not met the signal.
    Armed,
    /// The handler has begun.
    Claimed,
    /// The copy is made.
    Done,
    /// The poll was over.
    Missed,
}

impl State {
    const ALL: [Self; 5] = [Self::Idle, Self::Armed, Self::Claimed, Self::Done, Self::Missed];
}

/// State and token of a request in one word, so that a late handler cannot claim the request that came after its own.
const fn word(token: u32, state: State) -> u64 {
    (token as u64) << 32 | state as u64
}

/// A request to one thread. The watchdog owns everything while its state is idle, done or missed; the handler from claiming it
/// to done or missed. `word` hands over with acquire and release.
pub(super) struct Request {
    word: AtomicU64,
    cell: AtomicPtr<Cell>,
    open: UnsafeCell<Open>,
    stack_high: AtomicU64,
    stack_low: AtomicU64,
    copy: UnsafeCell<Copied>,
}

/// What the handler left.
struct Copied {
    instruction: u64,
    stack_pointer: u64,
    frame_pointer: u64,
    length: usize,
    bytes: [u8; ROOM],
}

// SAFETY: the unsynchronized parts are touched by one side at a time, as `Request` says.
unsafe impl Sync for Request {}

/// A request's token, by the number of slots, is its place.
static REQUESTS: [Request; SLOTS] = [const {
    Request {
        word: AtomicU64::new(word(0, State::Idle)),
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
    }
}; SLOTS];

/// The action that ours replaced, leaked; null before ours is set.
static REPLACED: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// The registers and stack of a thread that was running.
pub(super) struct Snapshot {
    pub(super) instruction: u64,
    pub(super) stack_pointer: u64,
    pub(super) frame_pointer: u64,
    pub(super) bytes: Vec<u8>,
}

/// A request as the watchdog knows it, which alone makes requests and takes them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(u32);

impl Token {
    /// Makes the request of a slot that is free, to a thread that is at `open`. A signal with its value answers it.
    pub(super) fn arm(slot: usize, target: &Registered, open: Open) -> Self {
        let request = &REQUESTS[slot];
        let last = (request.word.load(Acquire) >> 32) as u32;
        let token = (last - last % SLOTS as u32).wrapping_add((SLOTS + slot) as u32);
        // SAFETY: the slot is free, so no handler reads `open`.
        unsafe { *request.open.get() = open };
        request.cell.store(ptr::from_ref(target.cell).cast_mut(), Relaxed);
        request.stack_low.store(target.thread.stack.0, Relaxed);
        request.stack_high.store(target.thread.stack.1, Relaxed);
        request.word.store(word(token, State::Armed), Release);
        Self(token)
    }

    /// What the signal must carry.
    pub(super) fn value(self) -> u64 {
        MARK << 32 | u64::from(self.0)
    }

    fn request(self) -> &'static Request {
        &REQUESTS[self.0 as usize % SLOTS]
    }

    pub(super) fn state(self) -> State {
        let word = self.request().word.load(Acquire);
        State::ALL[(word & u64::from(u32::MAX)) as usize]
    }

    /// Takes the request back; false when a handler has claimed it, and will come back.
    pub(super) fn withdraw(self) -> bool {
        let (armed, idle) = (word(self.0, State::Armed), word(self.0, State::Idle));
        let now = self.request().word.compare_exchange(armed, idle, AcqRel, Acquire);
        now.is_ok() || self.state() != State::Claimed
    }

    /// What the handler has copied; none unless it is done.
    pub(super) fn copied(self) -> Option<Snapshot> {
        if self.state() != State::Done {
            return None;
        }
        // SAFETY: done was read with acquire, so the handler's writes are seen, and it writes no more.
        let copy = unsafe { &*self.request().copy.get() };
        Some(Snapshot {
            instruction: copy.instruction,
            stack_pointer: copy.stack_pointer,
            frame_pointer: copy.frame_pointer,
            bytes: copy.bytes[..copy.length].to_vec(),
        })
    }

    #[cfg(test)]
    pub(super) fn set_state(self, state: State) {
        self.request().word.store(word(self.0, state), Release);
    }
}

/// Sets the handler, for good: it does nothing without a request. False when the system refuses.
pub(super) fn set() -> bool {
    let mut old = Box::new(std::mem::MaybeUninit::<libc::sigaction>::zeroed());
    // SAFETY: `sigaction` is plain data for which zeros are valid, so that `old` may be read before and after the kernel has
    // filled it; the handler is async-signal-safe, as it argues for itself, and is never unloaded since it is part of the program.
    unsafe {
        if libc::sigaction(SIGNAL, ptr::null(), old.as_mut_ptr()) != 0 {
            return false;
        }
        if old.assume_init_ref().sa_sigaction == handler as *const () as usize {
            return true;
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | how_to_run(old.assume_init_ref());
        libc::sigfillset(&raw mut action.sa_mask);
        // Known before ours can run, so that no signal of the app's is lost between.
        REPLACED.store(Box::into_raw(old).cast(), Release);
        libc::sigaction(SIGNAL, &raw const action, ptr::null_mut()) == 0
    }
}

/// An app that has a handler of its own keeps what it asked for: calls that its signal interrupts, and the stack that its
/// handler needs.
fn how_to_run(replaced: &libc::sigaction) -> i32 {
    match replaced.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => libc::SA_RESTART | libc::SA_ONSTACK,
        _ => replaced.sa_flags & (libc::SA_RESTART | libc::SA_ONSTACK),
    }
}

/// Whether our handler is the one that the kernel would call.
pub(super) fn stands() -> bool {
    // SAFETY: only asks; zeros are a valid `sigaction` to be overwritten.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(SIGNAL, ptr::null(), &raw mut current) == 0
            && current.sa_sigaction == handler as *const () as usize
    }
}

/// Async-signal-safe: atomics and one copy within the interrupted stack, no call into libc but memcpy and errno's address, no
/// lock, no allocation, no thread-local of Rust's.
unsafe extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid info and context to a handler set with SA_SIGINFO.
    unsafe {
        let errno = *libc::__errno_location();
        let value = (*info).si_value().sival_ptr as u64;
        if (*info).si_code == libc::SI_TIMER && value >> 32 == MARK {
            let token = value as u32;
            let request = &REQUESTS[token as usize % SLOTS];
            if claim(request, token) {
                let state = if copy(request, context.cast()) { State::Done } else { State::Missed };
                request.word.store(word(token, state), Release);
            }
        } else {
            pass_on(signal, info, context);
        }
        *libc::__errno_location() = errno;
    }
}

/// Takes the request over, if it is still the one that the signal was sent for.
fn claim(request: &Request, token: u32) -> bool {
    let (armed, claimed) = (word(token, State::Armed), word(token, State::Claimed));
    request.word.compare_exchange(armed, claimed, AcqRel, Relaxed).is_ok()
}

/// Copies the interrupted thread's registers and stack; false when its poll is over.
///
/// # Safety
/// Called from the handler, with the request claimed.
unsafe fn copy(request: &Request, context: *const libc::ucontext_t) -> bool {
    // SAFETY: the request is claimed, so nobody else touches it. The cell is never freed. The stack is the interrupted
    // thread's own, from its stack pointer to its end, which stays mapped while the handler runs on the thread.
    unsafe {
        let cell = &*request.cell.load(Relaxed);
        if !cell.is_at(*request.open.get()) {
            return false;
        }
        let registers = &(*context).uc_mcontext.gregs;
        let register = |index: i32| registers[index as usize] as u64;
        let copied = request.copy.get();
        let stack_pointer = register(libc::REG_RSP);
        (*copied).instruction = register(libc::REG_RIP);
        (*copied).stack_pointer = stack_pointer;
        (*copied).frame_pointer = register(libc::REG_RBP);
        let (low, high) = (request.stack_low.load(Relaxed), request.stack_high.load(Relaxed));
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

/// There is one handler in the process: tests take turns.
#[cfg(test)]
pub(super) static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::lock;

    #[test]
    fn a_late_handler_cannot_claim_the_request_after_its_own() {
        let _alone = lock(&ALONE);
        let request = &REQUESTS[0];
        request.word.store(word(16, State::Armed), Release);
        assert!(!claim(request, 8));
        assert!(claim(request, 16));
        assert!(!claim(request, 16), "it is claimed once");
        request.word.store(word(16, State::Idle), Release);
    }

    #[test]
    fn the_apps_handler_runs_as_it_was_set_up_to() {
        // SAFETY: zeros are a valid action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        assert_eq!(how_to_run(&action), libc::SA_RESTART | libc::SA_ONSTACK);
        action.sa_sigaction = handler as *const () as usize;
        assert_eq!(how_to_run(&action), 0, "calls are interrupted, on the thread's own stack");
        action.sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
        assert_eq!(how_to_run(&action), libc::SA_RESTART);
    }
}
