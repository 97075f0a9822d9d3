//! Which function a call in the program's code calls, read from the code before its return address.

use super::memory;
use super::modules::Modules;

/// How much code before a return address is looked at for the call and what loaded its target, in bytes.
const CALL_SITE: usize = 64;
/// How much code of a function is searched for a jump into another.
const BODY: u64 = 4096;

/// How one function came to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// By the call itself.
    Direct,
    /// The call went to another function, which ended with a jump at this address: it has left no frame.
    Tail(u64),
}

/// How the call that returns to `return_address` led to `function`; none when it did not, or the code does not tell.
pub(super) fn leads_to(modules: &Modules, return_address: u64, function: u64) -> Option<Call> {
    let target = target(return_address)?;
    if target == function { Some(Call::Direct) } else { jump(modules, target, function).map(Call::Tail) }
}

/// The function that the call before a return address calls: directly (`E8`), through a pointer that lies beside the code
/// (`FF 15`), or through a register that was loaded from there (`8B`, then `FF /2`).
fn target(return_address: u64) -> Option<u64> {
    let mut code = [0; CALL_SITE];
    if memory::read(return_address.checked_sub(CALL_SITE as u64)?, &mut code) < CALL_SITE {
        return None;
    }
    // The address that the four bytes at `at`, an instruction's last, are the distance to.
    let distant = |at: usize| {
        let distance = i32::from_le_bytes([code[at], code[at + 1], code[at + 2], code[at + 3]]);
        (return_address - (CALL_SITE - at - 4) as u64).wrapping_add_signed(i64::from(distance))
    };
    let last = CALL_SITE - 4;
    if code[last - 1] == 0xe8 {
        return Some(distant(last));
    }
    if code[last - 2..last] == [0xff, 0x15] {
        return memory::read_word(distant(last));
    }
    let [.., prefix, 0xff, operand @ 0xd0..=0xd7] = code else { return None };
    // `REX.W(R) 8B ModRM(00, register, 101) distance`: loads a 64-bit register relative to the instruction's end.
    let rex = if prefix == 0x41 { 0x4c } else { 0x48 };
    let load = [rex, 0x8b, (operand & 7) << 3 | 0b101];
    let at = (0..=CALL_SITE - 9).rev().find(|&at| code[at..at + 3] == load)?;
    memory::read_word(distant(at + 3))
}

/// Where the function that starts at `from` jumps to the start of `to`: `E9`, or `FF 25` through a pointer.
fn jump(modules: &Modules, from: u64, to: u64) -> Option<u64> {
    let end = modules.next_function(from)?.min(from + BODY);
    let mut code = vec![0; usize::try_from(end.checked_sub(from)?).ok()?];
    let read = memory::read(from, &mut code);
    code.truncate(read);
    let distant = |at: usize| {
        let distance = i32::from_le_bytes(code.get(at..at + 4)?.try_into().ok()?);
        Some((from + at as u64 + 4).wrapping_add_signed(i64::from(distance)))
    };
    let at = (0..code.len()).find(|&at| match code[at..] {
        [0xe9, ..] => distant(at + 1) == Some(to),
        [0xff, 0x25, ..] => distant(at + 2).and_then(memory::read_word) == Some(to),
        _ => false,
    })?;
    Some(from + at as u64)
}

/// Whether an address is one that a call returns to.
pub(super) fn is_return(address: u64) -> bool {
    target(address).is_some() || may_be_any(address)
}

/// Whether the instruction before a return address is a call whose target is not to be seen: through a register, or
/// through memory that a register points to (`FF /2`).
pub(super) fn may_be_any(return_address: u64) -> bool {
    let Some(before) = return_address.checked_sub(8).and_then(memory::read_word).map(u64::to_le_bytes) else {
        return false;
    };
    [2usize, 3, 4, 6, 7]
        .into_iter()
        .any(|length| before[8 - length] == 0xff && before[9 - length] >> 3 & 7 == 2)
}
