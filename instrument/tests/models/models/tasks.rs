//! The tasks of a location, counted by several threads.

use super::{beside, cell, here};
use crate::recorder::cell::Cell;
use crate::recorder::locations;
use crate::recorder::sync::{AtomicU64, made_here};
use crate::recorder::table::address;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Release};

/// One thread spawns a task, another ends it, and whoever counts those that are gone first counts no more of them than those
/// spawned.
pub(super) fn gone_was_spawned() {
    let (spawner, worker) = (cell(), cell());
    let number = locations::number(address(here()));
    let queue = Rc::new(made_here(AtomicU64::new(0)));
    let both: Rc<(Rc<Cell>, Rc<Cell>)> = Rc::new((Rc::clone(&spawner), Rc::clone(&worker)));
    let ends = beside(&Rc::new((Rc::clone(&queue), Rc::clone(&worker))), move |(queue, worker)| {
        if queue.load(Acquire) == 1 {
            worker.row(number).unwrap().finished();
        }
    });
    let counts = beside(&both, move |(spawner, worker)| {
        let finished = worker.table().finished(number) + spawner.table().finished(number);
        let spawned = spawner.table().spawned(number) + worker.table().spawned(number);
        assert!(finished <= spawned, "{finished} of {spawned}");
    });
    spawner.row(number).unwrap().spawned();
    queue.store(1, Release);
    ends.join().unwrap();
    counts.join().unwrap();
}

/// Whichever thread finds a location first, both book it under one number.
pub(super) fn one_number() {
    let (cell, place) = (cell(), address(here()));
    let place_there = place.addr();
    let other = beside(&cell, move |_| locations::number(std::ptr::with_exposed_provenance_mut(place_there)));
    let number = locations::number(place);
    let there = other.join().unwrap();
    assert_eq!(number, there);
    assert!(number < locations::OTHER);
}
