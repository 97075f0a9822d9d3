//! Records of mode lean, which have numbers, and those that are asked when they end.

use super::{Place, beside, cell, here, open};
use crate::recorder::cell::{Cell, Open};
use crate::recorder::mode;
use stallscope_wire::Mode;
use std::iter::from_fn;
use std::rc::Rc;

const PROBE: u32 = 1;

/// What a hook does when the thread begins a poll.
fn begin(cell: &Cell, task: u64, place: Place) {
    if !cell.begin(PROBE, task, place) {
        cell.adopt(PROBE);
        assert!(cell.begin(PROBE, task, place));
    }
}

fn told(open: Open) -> (u64, Place) {
    (open.task, open.location)
}

/// A cell of the thread that calls it.
fn owned(mode: Mode) -> Rc<Cell> {
    let cell = cell();
    mode::set(mode);
    cell.set_owner(PROBE);
    cell
}

pub(super) fn whole_or_not_at_all() {
    let (cell, places) = (owned(Mode::Lean), [here(), here(), here()]);
    // The first is timed, the second follows a timed one, the third is like most.
    begin(&cell, 0, places[0]);
    let watchdog = beside(&cell, move |cell| {
        let record = cell.read().map(told);
        let made = [Some((0, places[0])), Some((1, places[1])), Some((2, places[2])), None];
        assert!(made.contains(&record), "{record:?}");
    });
    begin(&cell, 1, places[1]);
    begin(&cell, 2, places[2]);
    cell.park(PROBE);
    watchdog.join().unwrap();
    assert_eq!(cell.read(), None);
}

pub(super) fn whole_across_a_change() {
    let (cell, places) = (owned(Mode::Lean), [here(), here(), here()]);
    begin(&cell, 0, places[0]);
    mode::set(Mode::Full);
    cell.renew();
    let watchdog = beside(&cell, move |cell| {
        let record = cell.read().map(|open| (open.start().is_none(), told(open)));
        let made =
            [Some((true, (0, places[0]))), Some((false, (1, places[1]))), Some((true, (2, places[2]))), None];
        assert!(made.contains(&record), "{record:?}");
    });
    begin(&cell, 1, places[1]);
    mode::set(Mode::Lean);
    cell.renew();
    begin(&cell, 2, places[2]);
    watchdog.join().unwrap();
}

pub(super) fn cancelled() {
    let cell = owned(Mode::Lean);
    begin(&cell, 1, here());
    open::forgotten(&cell);
}

pub(super) fn asked() {
    let (cell, places) = (owned(Mode::Lean), [here(), here()]);
    begin(&cell, 0, places[0]);
    let asked = cell.read();
    cell.time_end(asked.unwrap());
    let watchdog = beside(&cell, move |cell| {
        if cell.read() != asked {
            assert_eq!(cell.next_long(cell.generation()).map(|poll| poll.open), asked);
        }
    });
    begin(&cell, 1, places[1]);
    watchdog.join().unwrap();
}

pub(super) fn asked_meanwhile() {
    let (cell, places) = (owned(Mode::Lean), [here(), here()]);
    begin(&cell, 0, places[0]);
    let watchdog = beside(&cell, move |cell| {
        let open = cell.read();
        open.into_iter().for_each(|open| cell.time_end(open));
        open
    });
    begin(&cell, 1, places[1]);
    let asked = watchdog.join().unwrap();
    let last = cell.read();
    begin(&cell, 2, None);
    // It may have been over already: then it is the next one that is told.
    let told: Vec<Option<Open>> =
        from_fn(|| cell.next_long(cell.generation())).map(|poll| Some(poll.open)).collect();
    match asked {
        None => assert_eq!(told, []),
        Some(_) => assert!(told == [asked] || told == [last], "{told:?}"),
    }
}

pub(super) fn change_while_adopting() {
    let (cell, place) = (owned(Mode::Full), here());
    begin(&cell, 0, place);
    cell.renew();
    change_beside(&cell, |cell| begin(cell, 1, place));
}

pub(super) fn change_while_registering() {
    let cell = cell();
    mode::set(Mode::Full);
    change_beside(&cell, |cell| cell.set_owner(PROBE));
}

/// Whatever the thread does while the mode is changed, it has changed with its next hook.
fn change_beside(cell: &Rc<Cell>, act: impl FnOnce(&Cell)) {
    let switch = beside(cell, |cell| {
        mode::set(Mode::Lean);
        cell.renew();
    });
    act(cell);
    switch.join().unwrap();
    begin(cell, 2, here());
    let open = cell.read().expect("it has begun");
    assert_eq!((open.task, open.start()), (2, None));
}

pub(super) fn sighted() {
    let cell = owned(Mode::Lean);
    let [first, second] = [0, 1].map(|task| {
        begin(&cell, task, here());
        cell.read().unwrap()
    });
    let collector = beside(&cell, move |cell| (cell.start(first), cell.start(second)));
    let sighted = (cell.sight(first), cell.sight(second));
    let seen = collector.join().unwrap();
    assert!(seen.0.is_none_or(|start| start == sighted.0), "{seen:?} {sighted:?}");
    assert!(seen.1.is_none_or(|start| start == sighted.1), "{seen:?} {sighted:?}");
    assert_eq!((cell.start(first), cell.start(second)), (None, Some(sighted.1)));
}
