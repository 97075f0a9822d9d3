//! What the kernel tells of a socket by getsockopt(2). Nothing is changed by asking.
#![expect(unsafe_code, reason = "getsockopt is reached through libc")]

use std::mem::MaybeUninit;

/// A type of which any bytes are a value.
///
/// # Safety
/// Each of its bytes may have any value, and it has no padding that is read.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: a number.
unsafe impl Plain for u64 {}
// SAFETY: numbers, the padding between which nobody reads.
unsafe impl Plain for libc::tcp_info {}

/// An option's value; what the kernel leaves out of it is zero. None for what is no such socket, and where the kernel does not know
/// the option.
pub(crate) fn read<T: Plain>(descriptor: i32, level: i32, option: i32) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `value`. A descriptor that is not open, or no socket, is an error.
    let result =
        unsafe { libc::getsockopt(descriptor, level, option, value.as_mut_ptr().cast(), &raw mut length) };
    // SAFETY: all of it was zeroed, and any bytes are a value of such a type.
    (result == 0).then(|| unsafe { value.assume_init() })
}
