//! The histogram and the table of short polls, with room for two locations.

use super::{beside, cell, here};
use crate::recorder::cell::Cell;

/// Polls in the histogram and in the table.
pub(super) fn polls(cell: &Cell) -> (u64, u64) {
    let counted = cell.counts().map(|(_, count)| count).sum();
    let placed: u64 = cell.rows().map(|(_, row)| row.polls).sum();
    (counted, placed + cell.unplaced().polls)
}

pub(super) fn only_grow() {
    let (cell, places) = (cell(), [here(), here()]);
    let collector = beside(&cell, move |cell| {
        let row = || cell.rows().find(|(location, _)| Some(*location) == places[0]).map(|(_, row)| row);
        let (Some(before), after) = (row(), row()) else { return };
        let after = after.expect("a row stays");
        assert!(after.polls >= before.polls && after.total >= before.total && after.max >= before.max);
    });
    for place in places {
        cell.turn(1, place);
    }
    cell.close();
    collector.join().unwrap();
    assert_eq!(polls(&cell), (2, 2));
}
