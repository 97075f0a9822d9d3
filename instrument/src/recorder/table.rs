//! Polls by spawn location, in a table of fixed size.

use super::counts::add_alone;
use super::sync::{self, AtomicPtr, AtomicU64};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

/// Locations a worker can tell apart. A power of two.
const ROWS: usize = sync::size(256, 2);
/// How many rows are tried for a location before its polls are counted as lost.
const PROBES: usize = sync::size(16, 2);

/// A location as a recorder keeps it: null for none.
#[inline]
pub(super) fn address(location: Option<&'static Location<'static>>) -> *mut Location<'static> {
    location.map_or(ptr::null_mut(), |location| ptr::from_ref(location).cast_mut())
}

/// The location that a recorder's address stands for. Only [`address`] makes such addresses.
pub(super) fn known(address: *mut Location<'static>) -> Option<&'static Location<'static>> {
    #[expect(
        unsafe_code,
        reason = "a location is kept as its address, so that storing it is one instruction"
    )]
    // SAFETY: an address in a cell is null or was made from a `&'static Location<'static>`, and each is stored whole. A library
    // that has spawned tasks and is unloaded breaks that `'static` itself, for tokio as for us.
    unsafe {
        address.as_ref()
    }
}

/// What the polls of one location took, in ticks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) polls: u64,
    pub(crate) total: u64,
    pub(crate) max: u64,
}

#[derive(Debug)]
struct Slot {
    key: AtomicPtr<Location<'static>>,
    polls: AtomicU64,
    total: AtomicU64,
    max: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self {
            key: AtomicPtr::new(ptr::null_mut()),
            polls: AtomicU64::new(0),
            total: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }

    #[inline]
    fn add_alone(&self, ticks: u64, weight: u64) {
        add_alone(&self.polls, weight);
        add_alone(&self.total, ticks.wrapping_mul(weight));
        if ticks > self.max.load(Relaxed) {
            self.max.store(ticks, Relaxed);
        }
    }

    fn row(&self) -> Row {
        Row { polls: self.polls.load(Relaxed), total: self.total.load(Relaxed), max: self.max.load(Relaxed) }
    }
}

/// Written by the worker alone, read by the collector. A location is known by its address: two compilation units may
/// hold one location twice, and the reader adds such rows up.
#[derive(Debug)]
pub(super) struct Table {
    slots: [Slot; ROWS],
    other: Slot,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { slots: [const { Slot::new() }; ROWS], other: Slot::new() }
    }

    /// Books a poll that stands for `weight` polls. Only the worker calls it.
    #[inline]
    pub(super) fn add_alone(&self, location: *mut Location<'static>, ticks: u64, weight: u64) {
        // Fibonacci hashing: the high bits of the product depend on all bits of the address.
        let hash = (location.addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - ROWS.ilog2());
        for probe in 0..PROBES {
            let slot = &self.slots[(hash as usize + probe) & (ROWS - 1)];
            let key = slot.key.load(Relaxed);
            if key == location {
                return slot.add_alone(ticks, weight);
            }
            if key.is_null() {
                slot.key.store(location, Relaxed);
                return slot.add_alone(ticks, weight);
            }
        }
        self.other.add_alone(ticks, weight);
    }

    /// The locations and what their polls took.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static Location<'static>, Row)> {
        self.slots.iter().filter_map(|slot| {
            let key = slot.key.load(Relaxed);
            known(key).map(|location| (location, slot.row()))
        })
    }

    /// The polls of locations that found no room.
    pub(super) fn other(&self) -> Row {
        self.other.row()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(n: usize) -> *mut Location<'static> {
        ptr::without_provenance_mut(0x1000 + n * 24)
    }

    #[test]
    fn what_finds_no_room_is_counted_apart() {
        let table = Table::new();
        for n in 0..10_000 {
            table.add_alone(location(n), 5, 1);
            table.add_alone(location(n), 7, 1);
        }
        let kept = table.slots.iter().map(Slot::row).filter(|row| row.polls > 0).collect::<Vec<_>>();
        assert!(kept.iter().all(|row| *row == Row { polls: 2, total: 12, max: 7 }));
        assert_eq!(kept.len() as u64 * 2 + table.other().polls, 20_000);
        assert!(kept.len() > ROWS / 2, "the table is used before polls are lost");
    }
}
