//! From a copy of a stack to the addresses of its frames.

use super::calls::{self, Call};
use super::modules::Modules;
use super::{RawFrame, RawStack};
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64};
use framehop::{FrameAddress, Unwinder};
use stallscope_wire::Quality;

/// No real stack is deeper; an endless one is a mistake.
const DEEPEST: usize = 1024;
/// How near to its end the outermost frame of a thread's stack lies: thread-local storage and start-up code are there.
const ROOT_MARGIN: u64 = 24 * 1024;
/// How far above the frame where unwinding stopped the next one is searched.
const SEARCH: u64 = 16 * 1024;

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
        let described = walk.frames.iter().all(|&(address, _)| self.modules.is_described(address));
        let (walk, quality) = if !described {
            // Whatever frame it was unwound to, one may have been skipped.
            (self.past_undescribed(copy).unwrap_or(walk), Quality::Uncertain)
        } else if walk.reached_root(copy) {
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
        let addresses = self.with_tail_calls(&walk).into_iter();
        let frames = addresses.map(|address| match self.modules.place(address) {
            Some((module, offset)) => RawFrame { module: Some(module), offset },
            None => RawFrame { module: None, offset: address },
        });
        Some(RawStack { quality, frames: frames.collect() })
    }

    fn walk(&mut self, copy: &StackCopy, frame_pointer: u64) -> Walk {
        let at = FrameAddress::from_instruction_pointer(copy.instruction);
        self.walk_from(copy, at, copy.stack_pointer, frame_pointer)
    }

    fn walk_from(
        &mut self,
        copy: &StackCopy,
        mut at: FrameAddress,
        stack_pointer: u64,
        frame_pointer: u64,
    ) -> Walk {
        let mut registers = UnwindRegsX86_64::new(at.address(), stack_pointer, frame_pointer);
        let mut read = |address| copy.word(address).ok_or(());
        let mut frames = vec![(at.address_for_lookup(), stack_pointer)];
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
    /// caller's below its return address, and that address follows a call that leads to F. So each word of the stack that
    /// is such an address shows where the frame pointer points: one word below. That the walk from there reaches the root
    /// is necessary and proves nothing by itself.
    fn search(&mut self, copy: &StackCopy, stopped: &Walk) -> Option<(Walk, Quality)> {
        let &(address, from) = stopped.frames.last()?;
        let function = self.modules.function_start(address)?;
        let candidates = (from & !7..(from + SEARCH).min(copy.stack_high)).step_by(8);
        for quality in [Quality::Exact, Quality::Uncertain] {
            for frame_pointer in candidates.clone() {
                let Some(return_address) = copy.word(frame_pointer + 8) else { break };
                let calls = self.modules.is_code(return_address)
                    && match quality {
                        Quality::Exact => calls::leads_to(&self.modules, return_address, function).is_some(),
                        _ => calls::may_be_any(return_address),
                    };
                if !calls {
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

    /// The stack of a thread that runs code without unwind information: that code's address, and the first walk to the root
    /// from what may be its return address. Its caller's frame pointer is still in its register, or was pushed right below.
    fn past_undescribed(&mut self, copy: &StackCopy) -> Option<Walk> {
        let innermost = FrameAddress::from_instruction_pointer(copy.instruction).address_for_lookup();
        if self.modules.is_described(innermost) {
            return None;
        }
        let from = copy.stack_pointer & !7;
        for at in (from..(from + SEARCH).min(copy.stack_high)).step_by(8) {
            let return_address = copy.word(at)?;
            if !self.modules.is_code(return_address) || !calls::is_return(return_address) {
                continue;
            }
            let caller = FrameAddress::from_return_address(return_address)?;
            for frame_pointer in [copy.frame_pointer, copy.word(at.wrapping_sub(8))].into_iter().flatten() {
                let mut walk = self.walk_from(copy, caller, at + 8, frame_pointer);
                if walk.reached_root(copy) {
                    walk.frames.insert(0, (innermost, copy.stack_pointer));
                    return Some(walk);
                }
            }
        }
        None
    }

    /// The addresses of the frames, with those of functions that ended in a jump into the next and have left none.
    fn with_tail_calls(&self, walk: &Walk) -> Vec<u64> {
        let mut addresses = Vec::with_capacity(walk.frames.len());
        for (at, &(address, _)) in walk.frames.iter().enumerate() {
            addresses.push(address);
            // A caller is looked up one byte before the address that its call returns to.
            let call = walk.frames.get(at + 1).and_then(|&(caller, _)| {
                calls::leads_to(&self.modules, caller + 1, self.modules.function_start(address)?)
            });
            if let Some(Call::Tail(jump)) = call {
                addresses.push(jump);
            }
        }
        addresses
    }
}
