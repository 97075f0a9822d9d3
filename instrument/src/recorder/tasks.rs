//! The tasks of each spawn location, as all threads together have seen them.

use super::cells;
use super::locations::{self, OTHER};
use super::outsiders::outsiders;
use super::table::Row;
use std::panic::Location;

/// The tasks of a spawn location.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    pub(crate) location: &'static Location<'static>,
    pub(crate) spawned: u64,
    /// Those of them that are gone, or, where none are spawned, jobs of the blocking pool.
    pub(crate) finished: u64,
    pub(crate) row: Row,
    /// `(highest length of the bucket in ticks, count)` of their short polls, by thread.
    pub(crate) lengths: Vec<(u64, u64)>,
}

/// The tasks of every location that has a row of its own.
pub(crate) fn tasks() -> Vec<Tasks> {
    let cells = cells();
    let seen = locations::numbered().map(|(location, number)| {
        // The ends before the spawns, so that no task is counted as gone and not as spawned.
        let finished = cells.iter().map(|cell| cell.table().finished(number)).sum::<u64>();
        let finished = finished + outsiders().finished(number);
        let spawned = cells.iter().map(|cell| cell.table().spawned(number)).sum::<u64>();
        let mut row = Row::default();
        cells.iter().filter_map(|cell| cell.table().read(number)).for_each(|of_cell| row.add(&of_cell));
        let lengths = cells.iter().flat_map(|cell| cell.table().lengths(number)).collect();
        Tasks { location, spawned: spawned + outsiders().spawned(number), finished, row, lengths }
    });
    seen.filter(|tasks| tasks.spawned + tasks.finished + tasks.row.polls > 0).collect()
}

/// Spawns, polls and ends of tasks whose location found no room.
pub(crate) fn unplaced() -> u64 {
    let told = cells().into_iter().map(|cell| {
        let table = cell.table();
        table.read(OTHER).map_or(0, |row| row.polls) + table.spawned(OTHER) + table.finished(OTHER)
    });
    told.sum::<u64>() + outsiders().spawned(OTHER) + outsiders().finished(OTHER)
}
