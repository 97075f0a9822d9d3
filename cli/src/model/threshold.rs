//! The lengths from which on stalls are listed: 1, 2 and 5 of each power of ten, in nanoseconds.

/// The next longer one.
pub(super) fn next(ns: u64) -> u64 {
    lengths().find(|&length| length > ns).unwrap_or(ns)
}

/// The next shorter one.
pub(super) fn previous(ns: u64) -> u64 {
    lengths().take_while(|&length| length < ns).last().unwrap_or(ns)
}

fn lengths() -> impl Iterator<Item = u64> {
    // From a microsecond to an hour and more.
    (3..13).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_up_and_down_in_steps_that_people_expect() {
        let ms = 1_000_000;
        assert_eq!([100 * ms, 200 * ms, 250 * ms].map(next), [200 * ms, 500 * ms, 500 * ms]);
        assert_eq!([500 * ms, 200 * ms, 250 * ms].map(previous), [200 * ms, 100 * ms, 200 * ms]);
        assert_eq!((next(u64::MAX), previous(0)), (u64::MAX, 0));
    }
}
