//! The histogram and the table of short polls, with room for two locations.

use super::{beside, cell, here};
use crate::recorder::cell::Cell;
use crate::recorder::locations;
use crate::recorder::table::address;

/// Polls in the histogram and in the table.
pub(super) fn polls(cell: &Cell) -> (u64, u64) {
    let counted = cell.counts().map(|(_, count)| count).sum();
    let placed: u64 = cell.rows().map(|(_, row)| row.polls).sum();
    (counted, placed + cell.unplaced().polls)
}

pub(super) fn only_grow() {
    let (cell, places) = (cell(), [here(), here()]);
    // Their numbers have a model of their own.
    for place in places {
        locations::number(address(place));
    }
    let collector = beside(&cell, move |cell| cell.table().read(locations::number(address(places[0]))));
    for place in places {
        cell.turn(1, place);
    }
    cell.close();
    let before = collector.join().unwrap().unwrap();
    let after = cell.table().read(locations::number(address(places[0]))).unwrap();
    assert!(after.polls >= before.polls && after.total >= before.total && after.max >= before.max);
    assert_eq!(polls(&cell), (2, 2));
}
