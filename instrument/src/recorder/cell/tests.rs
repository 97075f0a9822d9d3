use super::*;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

const PROBE: u32 = 3;
/// Far more than the polls from one timed poll to the next.
const MANY: u64 = if cfg!(miri) { 128 } else { 20_000 };

fn here() -> Option<&'static Location<'static>> {
    Some(Location::caller())
}

/// A cell of this thread's.
fn owned(mode: u32) -> Cell {
    let cell = Cell::new();
    cell.prepare_lean(mode == LEAN);
    cell.owner.store(PROBE | mode, Relaxed);
    cell
}

fn polls(cell: &Cell) -> u64 {
    cell.rows().map(|(_, row)| row.polls).sum()
}

#[test]
fn a_turn_books_the_poll_before_it() {
    let cell = Cell::new();
    let spawn = here();
    cell.turn(1, spawn);
    cell.turn(2, spawn);
    assert_eq!(cell.read().map(|open| open.task), Some(2));
    cell.close();
    assert_eq!(cell.read(), None);
    assert_eq!(polls(&cell), 2);
}

#[test]
fn time_outside_of_tasks_is_booked_to_nobody() {
    for mode in [0, LEAN] {
        let cell = owned(mode);
        (0..MANY).for_each(|_| assert!(cell.begin(PROBE, 0, None)));
        cell.close();
        assert_eq!((cell.rows().count(), cell.counts().count()), (0, 0));
    }
}

#[test]
fn a_long_record_goes_to_the_watchdog_and_not_into_the_table() {
    let cell = Cell::new();
    cell.set_long_after(0);
    cell.turn(7, here());
    cell.close();
    assert_eq!(cell.rows().count(), 0);
    let long = cell.next_long(cell.generation()).expect("the poll was handed over");
    assert_eq!(long.open.task, 7);
    assert_eq!(long.ticks(), Some(long.end - cell.start(long.open).unwrap()));
}

#[test]
fn a_cancelled_record_leaves_no_trace() {
    for mode in [0, LEAN] {
        let cell = owned(mode);
        for task in 1..MANY {
            cell.begin(PROBE, task, here());
            cell.cancel();
        }
        let open = cell.read().map(|open| (open.task, open.location));
        assert_eq!(open, Some((0, None)), "what follows is seen");
        cell.close();
        assert_eq!(cell.rows().count(), 0);
    }
}

#[test]
fn only_the_probe_that_owns_a_cell_writes_to_it() {
    let cell = owned(0);
    assert!(!cell.begin(PROBE + 1, 1, here()) && !cell.park(PROBE + 1));
    assert!(cell.read().is_none() && !cell.owned_by(PROBE + 1));
    cell.abandon();
    assert!(!cell.begin(PROBE, 1, here()) && !cell.owned_by(PROBE));
}

#[test]
fn mode_off_writes_nothing() {
    let cell = owned(OFF);
    assert!(cell.begin(PROBE, 1, here()) && cell.park(PROBE));
    assert_eq!((cell.read(), cell.worked()), (None, 0));
}

#[test]
#[cfg_attr(miri, ignore = "needs far more polls than it has time for")]
fn lean_counts_all_polls_by_those_that_it_times() {
    let cell = owned(LEAN);
    for task in 1..=MANY {
        cell.begin(PROBE, 0, None);
        cell.begin(PROBE, task, here());
        cell.park(PROBE);
    }
    let counted = polls(&cell);
    assert!((MANY - 128..=MANY).contains(&counted), "{counted} of {MANY}");
    assert_eq!(cell.counts().map(|(_, count)| count).sum::<u64>(), counted);
    let timed = counted - cell.untimed();
    assert!((MANY / 96..=MANY / 32).contains(&timed), "{timed} of {MANY}");
    assert_eq!((cell.parks(), cell.worked()), (MANY, MANY));
}

#[test]
fn lean_times_the_first_poll() {
    let cell = owned(LEAN);
    cell.begin(PROBE, 1, here());
    cell.park(PROBE);
    assert_eq!(polls(&cell), 1);
}

#[test]
#[cfg_attr(miri, ignore = "needs far more polls than it has time for")]
fn lean_is_not_in_step_with_tasks_that_take_turns() {
    let cell = owned(LEAN);
    let spawns: [_; 64] = std::array::from_fn(|n| {
        let location: &'static Location<'static> = Box::leak(Box::new(*Location::caller()));
        (n as u64, location)
    });
    for _ in 0..MANY {
        spawns.iter().for_each(|&(task, location)| assert!(cell.begin(PROBE, task, Some(location))));
    }
    let rows: Vec<u64> = cell.rows().map(|(_, row)| row.polls).collect();
    assert_eq!(rows.len(), spawns.len());
    assert!(rows.iter().all(|polls| polls.abs_diff(MANY) < MANY / 2), "{rows:?}");
}

#[test]
fn a_record_of_lean_begins_when_it_is_seen_first() {
    let cell = owned(LEAN);
    cell.begin(PROBE, 1, here());
    let open = cell.read().unwrap();
    assert_eq!((open.start(), cell.start(open)), (None, None));
    let before = clock::ticks();
    let seen = cell.sight(open);
    assert!(seen >= before);
    assert_eq!((cell.sight(open), cell.start(open)), (seen, Some(seen)), "and not anew at each look");
    cell.begin(PROBE, 2, here());
    assert_eq!(cell.start(cell.read().unwrap()), None);
}

#[test]
fn the_end_of_a_record_of_lean_is_told_where_it_was_asked_for() {
    let cell = owned(LEAN);
    cell.begin(PROBE, 1, here());
    let open = cell.read().unwrap();
    cell.time_end(open);
    assert!(!cell.begin(PROBE, 2, here()), "the thread has to look again");
    assert!(cell.owned_by(PROBE));
    cell.adopt(PROBE);
    assert_eq!(cell.next_long(cell.generation()).map(|long| long.open), Some(open));
    assert!(cell.begin(PROBE, 2, here()));
}

#[test]
fn a_record_keeps_its_mode_until_it_ends() {
    for (before, spawn) in [(0, here()), (LEAN, here())] {
        let cell = owned(before);
        cell.begin(PROBE, 1, spawn);
        let open = cell.read();
        cell.renew();
        assert_eq!(cell.read(), open);
        cell.adopt(PROBE);
        assert_eq!((cell.read(), polls(&cell)), (None, 1));
        cell.begin(PROBE, 2, spawn);
        assert!(cell.read().unwrap().start().is_some(), "the process's mode is full");
    }
}

#[test]
#[cfg_attr(miri, ignore = "needs far more parks than it has time for")]
fn a_thread_that_never_says_that_it_begins_is_not_taken_for_parked() {
    let cell = owned(0);
    let round = |says: bool| {
        cell.begin(PROBE, 1, here());
        assert!(!cell.is_parked());
        if says {
            cell.count_begun();
        }
        cell.park(PROBE);
        cell.is_parked()
    };
    assert!((0..100).all(|_| round(true)));
    assert!((0..100).any(|_| !round(false)));
}

#[test]
fn a_thread_that_is_watched_from_outside_rests_while_both_hooks_tell() {
    let cell = Cell::new();
    assert!(!cell.rests(), "no hook has told anything");
    for _ in 0..3 {
        cell.rest();
        assert!(cell.rests());
        cell.rise();
        assert!(!cell.rests());
    }
    cell.rest();
    assert!((0..100).all(|_| {
        cell.rest();
        !cell.rests()
    }));
}

#[test]
fn a_cell_without_an_owner_is_not_woken_by_a_change() {
    let cell = owned(0);
    cell.abandon();
    cell.renew();
    assert!(!cell.owned_by(PROBE) && !cell.begin(PROBE, 1, here()));
}

#[test]
#[cfg_attr(miri, ignore = "needs far more looks than it has time for; the models go through their orders")]
fn no_reader_sees_parts_of_two_records() {
    static CELL: LazyLock<Cell> = LazyLock::new(Cell::new);
    static STOP: AtomicBool = AtomicBool::new(false);
    // Each record's task is told by its location.
    let spawns: [(u64, &'static Location<'static>); 2] =
        std::array::from_fn(|n| (n as u64 + 1, &*Box::leak(Box::new(*Location::caller()))));
    let writer = std::thread::spawn(move || {
        CELL.owner.store(PROBE, Relaxed);
        let mut turns = 0u64;
        while !STOP.load(Relaxed) {
            let (task, location) = spawns[(turns % 2) as usize];
            if !CELL.begin(PROBE, task, Some(location)) {
                CELL.adopt(PROBE);
                // The process's mode is full; lean is what this tests too.
                let lean = turns.is_multiple_of(3);
                CELL.prepare_lean(lean);
                CELL.owner.store(PROBE | if lean { LEAN } else { 0 }, Relaxed);
            }
            turns += 1;
        }
    });
    let (mut seen, mut lean) = (0, 0);
    while seen < 20_000 || lean < 1_000 {
        if let Some(open) = CELL.read() {
            let (_, location) = spawns[open.task as usize - 1];
            assert!(ptr::eq(open.location.unwrap(), location), "{open:?}");
            (seen, lean) = (seen + 1, lean + u64::from(open.start().is_none()));
        }
        if seen % 64 == 0 {
            CELL.renew();
        }
        CELL.forget_long();
    }
    STOP.store(true, Relaxed);
    writer.join().unwrap();
}
