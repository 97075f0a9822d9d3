//! What the diagnosis notes at a record.

use super::{beside, cell, here};
use crate::recorder::cell::{Cell, Open};

fn two_records(cell: &Cell) -> [Open; 2] {
    [1, 2].map(|task| {
        cell.turn(task, here());
        cell.read().unwrap()
    })
}

pub(super) fn own_stall() {
    let cell = cell();
    let [first, second] = two_records(&cell);
    let collector = beside(&cell, move |cell| {
        let (first, second) = (cell.stall(first), cell.stall(second));
        assert!(matches!((first, second), (None | Some(11), None | Some(22))), "{first:?} {second:?}");
    });
    cell.set_stall(first, 11);
    cell.set_stall(second, 22);
    collector.join().unwrap();
    assert_eq!((cell.stall(first), cell.stall(second)), (None, Some(22)));
}

pub(super) fn dismissed() {
    let cell = cell();
    let [first, second] = two_records(&cell);
    let collector = beside(&cell, move |cell| assert!(!cell.is_dismissed(second)));
    cell.dismiss(first);
    collector.join().unwrap();
    assert!(cell.is_dismissed(first) && !cell.is_dismissed(second));
}
