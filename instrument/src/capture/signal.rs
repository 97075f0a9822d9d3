//! The stack of a running thread: a signal whose handler copies registers and stack into a buffer.
//!
//! The signal is SIGURG, which is ignored by default, so that a stray one can do nothing; a [`Timer`] brings it. It carries
//! a token. A handler that finds the token of a request that is over does nothing; a signal without our mark is the app's,
//! and is passed on to the handler that ours replaced.
#![expect(unsafe_code, reason = "signals are reached through libc, and the handler copies raw stack memory")]

use super::timer::Timer;
use crate::recorder::{Cell, Open, Registered};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};
use std::task::Poll;
use std::time::{Duration, Instant};

pub(super) const SIGNAL: i32 = libc::SIGURG;
/// Marks a signal as ours, in the upper half of its value; the token is in the lower.
const MARK: u64 = 0x5ca1_1000;
/// How much stack is copied at most.
pub(super) const ROOM: usize = 64 * 1024;
/// How many threads are asked at a time. Memory that is not used is not resident.
const SLOTS: usize = 8;
/// How long a signal may take until it is given up: the thread may wait for a processor, and the kernel looks at timers with
/// its tick only.
const PATIENCE: Duration = Duration::from_millis(20);
/// The kernel's tick, as most systems have it: a thread that runs has answered by then.
const TICK: Duration = Duration::from_millis(4);
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

/// A request to one thread. The watchdog owns everything while its state is idle, done or missed; the handler from claiming it
/// to done or missed. `word` hands over with acquire and release.
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

/// A request's token, by the number of slots, is its place.
static REQUESTS: [Request; SLOTS] = [const {
    Request {
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

/// Why no copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// The poll, or the thread, had ended.
    Ended,
    /// The thread was not run, or is in the kernel for long.
    Silent,
    /// The kernel refused the timer.
    Refused,
    /// Another handler stands in our place.
    Replaced,
    /// A handler has not come back yet.
    Broken,
}

/// Asks threads by signal. There is one in the process: the watchdog's.
#[derive(Debug)]
pub(super) struct Signaller {
    /// What was asked last in each slot; none when it is free.
    asked: [Option<Asked>; SLOTS],
}

/// A request that is under way.
#[derive(Debug)]
struct Asked {
    token: u32,
    cell: &'static Cell,
    open: Open,
    since: Instant,
    /// Lasts as long as the question.
    _timer: Timer,
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
        Some(Self { asked: [const { None }; SLOTS] })
    }

    /// Copies the registers and stack of a running thread that is still at `open`. Never waits: what is pending is to be asked
    /// for again.
    pub(super) fn copy(&mut self, target: &Registered, open: Open) -> Poll<Result<Snapshot, Missed>> {
        self.give_up_late();
        let of_it =
            |asked: &Option<Asked>| asked.as_ref().is_some_and(|asked| ptr::eq(asked.cell, target.cell));
        if let Some(slot) = self.asked.iter().position(of_it)
            && let Some(answer) = self.answer(slot, open)
        {
            return answer;
        }
        let Some(slot) = self.asked.iter().position(Option::is_none) else {
            // The others are asked first, unless none of them will ever answer.
            let all_broken =
                self.asked.iter().flatten().all(|asked| asked.since.elapsed() > HANDLER_PATIENCE);
            return if all_broken { Poll::Ready(Err(Missed::Broken)) } else { Poll::Pending };
        };
        match self.ask(slot, target, open) {
            Ok(()) => Poll::Pending,
            Err(missed) => Poll::Ready(Err(missed)),
        }
    }

    /// Whether the thread was asked just now, so that a further look at it tells nothing yet.
    pub(super) fn is_asked(&self, target: &Registered, open: Open) -> bool {
        let of_it = |asked: &&Asked| ptr::eq(asked.cell, target.cell) && asked.open == open;
        self.asked.iter().flatten().find(of_it).is_some_and(|asked| {
            let word = REQUESTS[asked.token as usize % SLOTS].word.load(Relaxed);
            state_of(word) == ARMED && asked.since.elapsed() < TICK
        })
    }

    /// The thread does not run any more: it is not asked.
    pub(super) fn forget(&mut self, target: &Registered) {
        for slot in 0..SLOTS {
            if self.asked[slot].as_ref().is_some_and(|asked| ptr::eq(asked.cell, target.cell)) {
                self.withdraw(slot);
            }
        }
    }

    fn ask(&mut self, slot: usize, target: &Registered, open: Open) -> Result<(), Missed> {
        if !stands() {
            return Err(Missed::Replaced);
        }
        let request = &REQUESTS[slot];
        let last = token_of(request.word.load(Acquire));
        let token = (last - last % SLOTS as u32).wrapping_add((SLOTS + slot) as u32);
        // SAFETY: the slot is free, so no handler reads `open`.
        unsafe { *request.open.get() = open };
        request.cell.store(ptr::from_ref(target.cell).cast_mut(), Relaxed);
        request.stack_low.store(target.thread.stack.0, Relaxed);
        request.stack_high.store(target.thread.stack.1, Relaxed);
        request.word.store(word(token, ARMED), Release);
        let Ok(timer) = Timer::set(target.thread.tid, SIGNAL, MARK << 32 | u64::from(token)) else {
            // Nobody can have claimed it.
            request.word.store(word(token, IDLE), Release);
            return Err(Missed::Refused);
        };
        self.asked[slot] =
            Some(Asked { token, cell: target.cell, open, since: Instant::now(), _timer: timer });
        Ok(())
    }

    /// What has become of a question; none when it was another one, and the thread can be asked anew.
    fn answer(&mut self, slot: usize, open: Open) -> Option<Poll<Result<Snapshot, Missed>>> {
        let asked = self.asked[slot].as_ref()?;
        let (same, waited) = (asked.open == open, asked.since.elapsed());
        let result = match state_of(REQUESTS[slot].word.load(Acquire)) {
            CLAIMED if waited > HANDLER_PATIENCE => return Some(Poll::Ready(Err(Missed::Broken))),
            CLAIMED => return Some(Poll::Pending),
            ARMED if same && waited <= PATIENCE => return Some(Poll::Pending),
            ARMED if !self.withdraw(slot) => return Some(Poll::Pending),
            ARMED => Err(Missed::Silent),
            DONE => {
                // SAFETY: `DONE` was read with acquire, so the handler's writes are seen and it writes no more.
                let copy = unsafe { &*REQUESTS[slot].copy.get() };
                Ok(Snapshot {
                    instruction: copy.instruction,
                    stack_pointer: copy.stack_pointer,
                    frame_pointer: copy.frame_pointer,
                    bytes: copy.bytes[..copy.length].to_vec(),
                })
            }
            _ => Err(Missed::Ended),
        };
        self.asked[slot] = None;
        same.then_some(Poll::Ready(result))
    }

    /// Takes a question back; false when a handler has claimed it, which is waited for.
    fn withdraw(&mut self, slot: usize) -> bool {
        let Some(asked) = &self.asked[slot] else { return true };
        let (armed, idle) = (word(asked.token, ARMED), word(asked.token, IDLE));
        let now = REQUESTS[slot].word.compare_exchange(armed, idle, AcqRel, Acquire);
        let free = now.is_ok() || now.is_err_and(|now| state_of(now) != CLAIMED);
        if free {
            self.asked[slot] = None;
        }
        free
    }

    /// Takes back what nobody has asked for again.
    fn give_up_late(&mut self) {
        for slot in 0..SLOTS {
            if self.asked[slot].as_ref().is_some_and(|asked| asked.since.elapsed() > 2 * PATIENCE) {
                self.withdraw(slot);
            }
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

/// Async-signal-safe: atomics and one copy within the interrupted stack, no call into libc but errno's address, no lock,
/// no allocation, no thread-local of Rust's.
unsafe extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid info and context to a handler set with SA_SIGINFO.
    unsafe {
        let errno = *libc::__errno_location();
        let value = (*info).si_value().sival_ptr as u64;
        if (*info).si_code == libc::SI_TIMER && value >> 32 == MARK {
            let token = value as u32;
            let request = &REQUESTS[token as usize % SLOTS];
            if claim(request, token) {
                let state = if copy(request, context.cast()) { DONE } else { MISSED };
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
    request.word.compare_exchange(word(token, ARMED), word(token, CLAIMED), AcqRel, Relaxed).is_ok()
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
    use crate::capture::thread;
    use crate::engine::lock;
    use crate::recorder::Thread;

    #[test]
    fn a_late_handler_cannot_claim_the_request_after_its_own() {
        let _alone = lock(&ALONE);
        let request = &REQUESTS[0];
        request.word.store(word(16, ARMED), Release);
        assert!(!claim(request, 8));
        assert!(claim(request, 16));
        assert!(!claim(request, 16), "it is claimed once");
        request.word.store(word(16, IDLE), Release);
    }

    /// This thread, at a record, and a signaller.
    fn this_thread() -> (Signaller, Registered, Open) {
        let cell: &'static Cell = Box::leak(Box::new(Cell::new()));
        cell.turn(0, None);
        let thread = Thread { tid: thread::tid(), stack: thread::stack(), ..Thread::default() };
        let target = Registered { cell, generation: cell.generation(), thread };
        (Signaller::new().unwrap(), target, cell.read().unwrap())
    }

    #[test]
    fn a_question_is_answered_when_the_thread_runs_and_given_up_when_it_does_not() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        let begun = Instant::now();
        let answer = loop {
            // This thread computes while it asks itself.
            match signaller.copy(&target, open) {
                Poll::Ready(Err(Missed::Silent)) if begun.elapsed() < HANDLER_PATIENCE => {}
                Poll::Ready(answer) => break answer,
                Poll::Pending => {}
            }
        };
        assert!(answer.is_ok_and(|copy| !copy.bytes.is_empty()));
        let gone = std::thread::spawn(|| this_thread().1).join().unwrap();
        assert_eq!(
            signaller.copy(&gone, open).map(|answer| answer.map(drop)),
            Poll::Ready(Err(Missed::Refused))
        );
        assert!(signaller.asked.iter().all(Option::is_none));
    }

    #[test]
    fn a_handler_that_does_not_come_back_keeps_its_slot_and_no_other() {
        let _alone = lock(&ALONE);
        let (mut signaller, target, open) = this_thread();
        assert!(signaller.ask(3, &target, open).is_ok());
        let asked = signaller.asked[3].as_mut().unwrap();
        let late = Instant::now().checked_sub(2 * HANDLER_PATIENCE).unwrap();
        asked.since = late;
        let token = asked.token;
        REQUESTS[3].word.store(word(token, CLAIMED), Release);
        let answer = signaller.copy(&target, open).map(|answer| answer.map(drop));
        assert_eq!(answer, Poll::Ready(Err(Missed::Broken)));
        assert!(signaller.asked[3].is_some());
        let (_, other, at) = this_thread();
        assert_eq!(signaller.copy(&other, at).map(|answer| answer.map(drop)), Poll::Pending);
        signaller.forget(&other);
        REQUESTS[3].word.store(word(token, MISSED), Release);
        signaller.give_up_late();
        assert!(signaller.asked[3].is_none());
    }
}
