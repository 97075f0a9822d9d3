//! Where descriptors cannot be asked from outside, what waits in sockets is not counted.

/// Never found.
pub(crate) fn driver_of(_tid: i32) -> Option<i32> {
    None
}

/// Never known.
pub(crate) fn sockets_of(_driver: i32) -> Option<Vec<u64>> {
    None
}

/// Never looks.
#[derive(Debug, Default)]
pub(super) struct Unread;

/// Never found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) waiting: u64,
    pub(super) delay_ns: u64,
}

impl Unread {
    pub(super) fn wants_thread(&self, _now_ns: u64) -> bool {
        false
    }

    pub(super) fn ask(&mut self, _tids: impl Iterator<Item = i32>, _now_ns: u64) {}

    pub(super) fn free(&mut self) {}

    /// Not available here.
    pub(super) fn look(&mut self, _since_ns: u64, _now_ns: u64, _stall: bool) -> Option<Found> {
        None
    }
}
