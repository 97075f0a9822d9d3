//! The open record.

use super::{beside, cell, here};
use crate::recorder::cell::Cell;
use std::rc::Rc;

pub(super) fn whole_or_not_at_all() {
    let (cell, first, second) = (cell(), here(), here());
    let watchdog = beside(&cell, move |cell| {
        let record = cell.read().map(|open| (open.version, open.task, open.location));
        assert!([None, Some((1, 1, first)), Some((2, 2, second))].contains(&record), "{record:?}");
    });
    cell.turn(1, first);
    cell.turn(2, second);
    cell.close();
    watchdog.join().unwrap();
    assert_eq!(cell.read(), None);
}

pub(super) fn cancelled() {
    let cell = cell();
    cell.turn(1, here());
    forgotten(&cell);
}

/// Nobody's record follows the open one, of which nothing is left.
pub(super) fn forgotten(cell: &Rc<Cell>) {
    let cancelled = cell.read();
    let watchdog = beside(cell, move |cell| {
        let (before, after) = (cell.read(), cell.read());
        assert!(before == cancelled || after != cancelled, "it came back");
        for open in [before, after].into_iter().flatten() {
            let another = cancelled.is_none_or(|cancelled| open.version != cancelled.version);
            let nobodys = another && (open.task, open.location) == (0, None);
            assert!(Some(open) == cancelled || nobodys, "{open:?}");
        }
    });
    cell.cancel();
    watchdog.join().unwrap();
    assert_eq!(cell.rows().count(), 0);
}

pub(super) fn followed() {
    let next = here();
    handed_over(|cell| cell.turn(2, next));
}

pub(super) fn closed() {
    handed_over(Cell::close);
}

/// Whoever no longer sees a record that was long finds it among the long polls.
fn handed_over(end: impl FnOnce(&Cell)) {
    let (cell, place) = (cell(), here());
    cell.set_long_after(0);
    cell.turn(1, place);
    let long = cell.read();
    let watchdog = beside(&cell, move |cell| {
        if cell.read() != long {
            assert_eq!(cell.next_long(cell.generation()).map(|poll| poll.open), long);
        }
    });
    end(&cell);
    watchdog.join().unwrap();
}
