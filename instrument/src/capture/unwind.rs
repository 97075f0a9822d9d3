//! From a copy of a stack to the addresses of its frames.

use super::modules::Modules;
use super::{RawFrame, RawStack, memory};
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64};
use framehop::{FrameAddress, Unwinder};
use stallscope_wire::Quality;

/// No real stack is deeper; an endless one is a mistake.
const DEEPEST: usize = 1024;
/// How near to its end the outermost frame of a thread's stack lies: thread-local storage and start-up code are there.
const ROOT_MARGIN: u64 = 24 * 1024;
/// How far above the frame where unwinding stopped the next one is searched.
const SEARCH: u64 = 16 * 1024;

/// How much code before a return address is looked at for the call and what loaded its target, in bytes.
const CALL_SITE: usize = 64;

/// Registers and stack of a thread at one moment.
pub(super) struct StackCopy {
    pub(super) instruction: u64,
    pub(super) stack_pointer: u64,
    /// None when nobody told: the thread was in a system call and was not asked.
    pub(super) frame_pointer: Option<u64>,
    /// From the stack pointer on.
    pub(super) bytes: Vec<u8>,
    /// The address behind the stack's highest.
    pub(super) stack_high: u64,
}

impl StackCopy {
    fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.stack_pointer)?).ok()?;
        Some(u64::from_le_bytes(self.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
    }

    /// Whether the copy reaches the stack's end.
    fn whole(&self) -> bool {
        self.stack_pointer + self.bytes.len() as u64 >= self.stack_high
    }
}

/// Addresses to look up, innermost first, each with the stack pointer of its frame.
struct Walk {
    frames: Vec<(u64, u64)>,
    /// The unwinder took the last frame for the thread's outermost.
    ended: bool,
}

impl Walk {
    fn reached_root(&self, copy: &StackCopy) -> bool {
        self.ended
            && self.frames.len() > 4
            && self.frames.last().is_some_and(|&(_, sp)| copy.stack_high.saturating_sub(sp) < ROOT_MARGIN)
    }
}

pub(super) struct StackUnwinder {
    modules: Modules,
    cache: CacheX86_64,
}

impl StackUnwinder {
    pub(super) fn new() -> Self {
        Self { modules: Modules::new(), cache: CacheX86_64::new() }
    }

    /// The frames of a copied stack; none when they make no sense.
    pub(super) fn unwind(&mut self, copy: &StackCopy) -> Option<RawStack> {
        self.modules.refresh();
        let walk = self.walk(copy, copy.frame_pointer.unwrap_or(0));
        let (walk, quality) = if walk.reached_root(copy) {
            (walk, Quality::Exact)
        } else if copy.frame_pointer.is_none() {
            self.search(copy, &walk).unwrap_or((walk, Quality::Uncertain))
        } else if !copy.whole() {
            (walk, Quality::Truncated)
        } else {
            (walk, Quality::Uncertain)
        };
        // Two frames that do not end in the root are no stack, but the place where unwinding went wrong.
        if walk.frames.len() < 3 {
            return None;
        }
        let frames = walk.frames.iter().map(|&(address, _)| match self.modules.place(address) {
            Some((module, offset)) => RawFrame { module: Some(module), offset },
            None => RawFrame { module: None, offset: address },
        });
        Some(RawStack { quality, frames: frames.collect() })
    }

    fn walk(&mut self, copy: &StackCopy, frame_pointer: u64) -> Walk {
        let mut registers = UnwindRegsX86_64::new(copy.instruction, copy.stack_pointer, frame_pointer);
        let mut read = |address| copy.word(address).ok_or(());
        let mut at = FrameAddress::from_instruction_pointer(copy.instruction);
        let mut frames = vec![(at.address_for_lookup(), copy.stack_pointer)];
        let ended = loop {
            let caller = self.modules.unwinder.unwind_frame(at, &mut registers, &mut self.cache, &mut read);
            match caller.map(|address| address.and_then(FrameAddress::from_return_address)) {
                Ok(Some(caller)) if frames.len() < DEEPEST => at = caller,
                Ok(None) => break true,
                Ok(Some(_)) | Err(_) => break false,
            }
            frames.push((at.address_for_lookup(), registers.sp()));
        };
        Walk { frames, ended }
    }

    /// Finds the frame pointer on the stack. Unwinding stopped in a function F for want of it. F has pushed its
    /// caller's below its return address, and that address follows a call of F. So each word of the stack that is such
    /// an address shows where the frame pointer points: one word below. That the walk from there reaches the root is
    /// necessary and proves nothing by itself.
    fn search(&mut self, copy: &StackCopy, stopped: &Walk) -> Option<(Walk, Quality)> {
        let &(address, from) = stopped.frames.last()?;
        let function = self.modules.function_start(address)?;
        let candidates = |from: u64| (from & !7..(from + SEARCH).min(copy.stack_high)).step_by(8);
        for (quality, calls) in [
            (Quality::Exact, Self::calls as fn(&Self, u64, u64) -> bool),
            (Quality::Uncertain, Self::may_call),
        ] {
            for frame_pointer in candidates(from) {
                let Some(return_address) = copy.word(frame_pointer + 8) else { break };
                if !self.modules.is_code(return_address) || !calls(self, return_address, function) {
                    continue;
                }
                let walk = self.walk(copy, frame_pointer);
                if walk.reached_root(copy) {
                    return Some((walk, quality));
                }
            }
        }
        None
    }

    /// Whether the instruction before a return address calls the function: directly (`E8`), through a pointer that lies
    /// beside the code (`FF 15`), or through a register that was loaded from there (`8B`, then `FF /2`).
    fn calls(&self, return_address: u64, function: u64) -> bool {
        let mut code = [0; CALL_SITE];
        if memory::read(return_address - CALL_SITE as u64, &mut code) < CALL_SITE {
            return false;
        }
        // The address that the four bytes at `at`, an instruction's last, are the distance to.
        let target = |at: usize| {
            let distance = i32::from_le_bytes([code[at], code[at + 1], code[at + 2], code[at + 3]]);
            (return_address - (CALL_SITE - at - 4) as u64).wrapping_add_signed(i64::from(distance))
        };
        let last = CALL_SITE - 4;
        if code[last - 1] == 0xe8 && target(last) == function {
            return true;
        }
        let pointed = |at: usize| memory::read_word(target(at)) == Some(function);
        if code[last - 2..last] == [0xff, 0x15] && pointed(last) {
            return true;
        }
        let [.., prefix, 0xff, operand @ 0xd0..=0xd7] = code else { return false };
        let high = prefix == 0x41;
        let register = operand & 7;
        // `REX.W(R) 8B ModRM(00, register, 101) distance`: loads a 64-bit register relative to the instruction's end.
        let load = [if high { 0x4c } else { 0x48 }, 0x8b, register << 3 | 0b101];
        (0..=CALL_SITE - 9).any(|at| code[at..at + 3] == load && pointed(at + 3))
    }

    /// Whether the instruction before a return address is a call whose target is not to be seen: through a register, or
    /// through memory that a register points to (`FF /2`).
    fn may_call(&self, return_address: u64, _function: u64) -> bool {
        let Some(before) = memory::read_word(return_address - 8).map(u64::to_le_bytes) else { return false };
        [2usize, 3, 4, 6, 7]
            .into_iter()
            .any(|length| before[8 - length] == 0xff && before[9 - length] >> 3 & 7 == 2)
    }
}
