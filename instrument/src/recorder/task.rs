//! A task's id as bits that fit an atomic.

use tokio::task::Id;

/// The id as bits, never 0. tokio gives no way to its number but its text, which a poll has no time to make.
#[inline]
pub(crate) fn task_bits(id: Id) -> u64 {
    #[expect(unsafe_code, reason = "the id's number is private to tokio")]
    // SAFETY: the sizes are equal, or this would not compile. An id is a `NonZeroU64` wrapped once, so all its bytes
    // are initialized; were that to change, `task_id`'s test would show other text than tokio's.
    unsafe {
        std::mem::transmute::<Id, u64>(id)
    }
}

/// The number that tokio shows for the id that these bits were made from; none for 0.
pub(crate) fn task_id(bits: u64) -> Option<u64> {
    (bits != 0).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_the_number_that_tokio_shows() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let id = tokio::spawn(async {}).id();
            assert_eq!(task_id(task_bits(id)).unwrap().to_string(), id.to_string());
        });
    }
}
