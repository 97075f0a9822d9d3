//! The lines that allow something, by number.

use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;

/// Lines that are told apart; what others allow is allowed too, and told without line and reason. A power of two.
const SITES: usize = 512;
/// How many places are tried for a line.
const PROBES: usize = 16;

static PROCESS: [OnceLock<Site>; SITES] = [const { OnceLock::new() }; SITES];

/// A line, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    pub(super) location: &'static Location<'static>,
    pub(super) reason: &'static str,
}

impl Site {
    /// Two texts at one address are the same, but for their lengths.
    fn key(self) -> (usize, usize, usize) {
        (ptr::from_ref(self.location).addr(), self.reason.as_ptr().addr(), self.reason.len())
    }
}

/// The number of a line; 0 when there is no room for it. It waits only for another thread that is just taking the same place,
/// which is once in a line's life.
pub(super) fn number(site: Site) -> u64 {
    let key = site.key();
    // Fibonacci hashing: the high bits of the product depend on all bits of the addresses.
    let mixed = (key.0 ^ key.1.rotate_left(17)) as u64;
    let hash = (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SITES.ilog2())) as usize;
    let mut places = (0..PROBES).map(|probe| (hash + probe) & (SITES - 1));
    let place = places.find(|&place| PROCESS[place].get_or_init(|| site).key() == key);
    place.map_or(0, |place| place as u64 + 1)
}

/// The line of a number.
pub(super) fn numbered(number: u64) -> Option<Site> {
    PROCESS.get(usize::try_from(number.checked_sub(1)?).ok()?)?.get().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_and_reason_has_its_own_number() {
        let here = || Location::caller();
        let (one, other) = (here(), Location::caller());
        let site = |location, reason| Site { location, reason };
        let numbers = [site(one, "a"), site(other, "a"), site(one, "bb"), site(one, "a")].map(number);
        assert_eq!(numbers[0], numbers[3]);
        assert!(
            numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2],
            "{numbers:?}"
        );
        assert_eq!(numbered(numbers[2]).map(|site| site.reason), Some("bb"));
        assert!(numbered(0).is_none() && numbered(SITES as u64 + 1).is_none());
    }
}
