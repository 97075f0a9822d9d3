//! A cell that one thread leaves and another takes, under a lock as at registration.

use super::totals::polls;
use super::{Place, beside, cell, here};
use crate::recorder::cell::Cell;
use loom::sync::Mutex;
use std::rc::Rc;

/// A cell, and under the lock whether it is free.
struct Entry {
    cell: Rc<Cell>,
    free: Mutex<bool>,
}

impl Entry {
    fn held() -> Rc<Self> {
        let cell = cell();
        cell.set_owner(1);
        Rc::new(Self { cell, free: Mutex::new(false) })
    }

    /// The thread that has the cell polls once more and ends.
    fn poll_and_leave(&self, place: Place) {
        self.cell.turn(1, place);
        let mut free = self.free.lock().unwrap();
        self.cell.abandon();
        *free = true;
    }

    /// The next thread takes the cell, if it is free, and polls; whether it was.
    fn take_and_poll(&self, place: Place) -> bool {
        let mut free = self.free.lock().unwrap();
        if !*free {
            return false;
        }
        self.cell.abandon();
        self.cell.set_owner(2);
        *free = false;
        drop(free);
        self.cell.turn(2, place);
        true
    }
}

pub(super) fn with_its_totals() {
    let (entry, first, second) = (Entry::held(), here(), here());
    let next = beside(&entry, move |entry| entry.take_and_poll(second));
    entry.poll_and_leave(first);
    let taken = next.join().unwrap();
    entry.cell.close();
    let made = 1 + u64::from(taken);
    assert_eq!(polls(&entry.cell), (made, made));
    assert_eq!(entry.cell.owned_by(2), taken);
}

pub(super) fn own_generation() {
    let (entry, first, second) = (Entry::held(), here(), here());
    let generation = entry.cell.generation();
    let capture = beside(&entry, move |entry| {
        // First the record, then whose it is.
        let open = entry.cell.read();
        let same = entry.cell.generation() == generation;
        assert!(!same || open.is_none_or(|open| open.location == first), "the next thread's: {open:?}");
    });
    entry.poll_and_leave(first);
    assert!(entry.take_and_poll(second));
    capture.join().unwrap();
}
