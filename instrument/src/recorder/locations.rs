//! The spawn locations of the process, each with a number under which every thread books it.

use super::sync::{self, AtomicPtr, AtomicU32, process_wide};
use super::table::known;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

/// Locations that are told apart.
pub(crate) const ROOM: usize = sync::size(512, 2);
/// The number of all others.
pub(super) const OTHER: usize = ROOM;
/// A power of two, and more than there is room for, so that a location is mostly found where it is looked for first.
const SLOTS: usize = sync::size(2048, 2);
/// How many slots are tried for a location before it is one of the others.
const PROBES: usize = sync::size(16, 2);

process_wide!(LOCATIONS: Locations = Locations::new());

/// The number of a location, at most [`OTHER`]. Wait-free, and but a few loads once the location is known.
#[inline]
pub(super) fn number(location: *mut Location<'static>) -> usize {
    LOCATIONS.number(location)
}

/// [`number`] of a location that is at hand; at least [`ROOM`] where it is one of the others.
pub(crate) fn number_of(location: &'static Location<'static>) -> usize {
    number(super::table::address(Some(location)))
}

/// All locations that have numbers of their own.
pub(crate) fn numbered() -> impl Iterator<Item = (&'static Location<'static>, usize)> {
    LOCATIONS.slots.iter().filter_map(Slot::read).filter(|(_, number)| *number != OTHER)
}

/// The location of a number; none when it has none of its own.
pub(crate) fn location(number: usize) -> Option<&'static Location<'static>> {
    numbered().find(|(_, own)| *own == number).map(|(location, _)| location)
}

#[derive(Debug)]
struct Slot {
    /// Null at first. A location is known by its address: two compilation units may hold one location twice, and the reader
    /// adds up what is booked for them.
    location: AtomicPtr<Location<'static>>,
    /// Its number and one; 0 until it is drawn.
    drawn: AtomicU32,
}

impl Slot {
    const fn new() -> Self {
        Self { location: AtomicPtr::new(ptr::null_mut()), drawn: AtomicU32::new(0) }
    }

    fn read(&self) -> Option<(&'static Location<'static>, usize)> {
        let location = known(self.location.load(Relaxed))?;
        Some((location, (self.drawn.load(Relaxed) as usize).checked_sub(1)?))
    }
}

/// Nothing is ever taken out, so what one thread has found there stands for all.
#[derive(Debug)]
struct Locations {
    slots: [Slot; SLOTS],
    drawn: AtomicU32,
}

impl Locations {
    const fn new() -> Self {
        Self { slots: [const { Slot::new() }; SLOTS], drawn: AtomicU32::new(0) }
    }

    #[inline]
    fn number(&self, location: *mut Location<'static>) -> usize {
        let hash = hash(location);
        for probe in 0..PROBES {
            let slot = &self.slots[(hash + probe) & (SLOTS - 1)];
            let known = slot.location.load(Relaxed);
            if known == location {
                return match slot.drawn.load(Relaxed) {
                    0 => self.draw(slot),
                    drawn => drawn as usize - 1,
                };
            }
            if known.is_null()
                && let Some(number) = self.add(slot, location)
            {
                return number;
            }
        }
        OTHER
    }

    /// The location's number, if the slot is or becomes its own.
    #[cold]
    #[inline(never)]
    fn add(&self, slot: &Slot, location: *mut Location<'static>) -> Option<usize> {
        match slot.location.compare_exchange(ptr::null_mut(), location, Relaxed, Relaxed) {
            Err(other) if other != location => None,
            _ => Some(self.draw(slot)),
        }
    }

    /// Whoever comes first draws the number; one that is drawn too late stays unused.
    #[cold]
    #[inline(never)]
    fn draw(&self, slot: &Slot) -> usize {
        let number = (self.drawn.fetch_add(1, Relaxed) as usize).min(OTHER);
        match slot.drawn.compare_exchange(0, number as u32 + 1, Relaxed, Relaxed) {
            Ok(_) => number,
            Err(drawn) => drawn as usize - 1,
        }
    }
}

/// Fibonacci hashing: the high bits of the product depend on all bits of the address.
#[inline]
fn hash(location: *mut Location<'static>) -> usize {
    ((location.addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::thread;

    fn location(n: usize) -> *mut Location<'static> {
        ptr::without_provenance_mut(0x1000 + n * 24)
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs far more locations than it has time for")]
    fn each_location_has_a_number_of_its_own_until_there_is_no_room() {
        let locations = Locations::new();
        let numbers: Vec<usize> = (0..10_000).map(|n| locations.number(location(n))).collect();
        let own: HashSet<usize> = numbers.iter().copied().filter(|&number| number != OTHER).collect();
        assert_eq!(own, (0..ROOM).collect());
        let of_their_own = numbers.iter().filter(|&&number| number != OTHER).count();
        assert_eq!(of_their_own, ROOM);
        assert!((0..10_000).all(|n| locations.number(location(n)) == numbers[n]), "a number stays");
    }

    #[test]
    fn all_threads_find_the_same_number() {
        const COUNT: usize = if cfg!(miri) { 10 } else { 100 };
        let locations = Arc::new(Locations::new());
        let threads = [(); 4].map(|()| {
            let locations = Arc::clone(&locations);
            thread::spawn(move || (0..COUNT).map(|n| locations.number(location(n))).collect())
        });
        let found = threads.map(|thread: thread::JoinHandle<Vec<usize>>| thread.join().unwrap());
        assert!(found.iter().all(|numbers| *numbers == found[0]));
        assert!(found[0].iter().all(|&number| number < ROOM));
    }
}
