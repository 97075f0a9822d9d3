//! What may be relied on, however the threads run.
//!
//! In each model the writer is the thread that begins, and whoever reads is spawned: see `sync.rs`. What loom cannot show: a
//! load that is done after a later store of its own thread, and so what the two orderings of `LongPolls`' `taken` are for.
//! What one thread alone stores in one place and others only load, as `beat` and `observe` do, has no model: it cannot fail.

mod alarm;
mod allowances;
mod fresh;
mod hand_over;
mod lean;
mod long;
mod marks;
mod open;
mod tasks;
mod totals;

use super::cell::Cell;
use super::locations;
use super::mode;
use super::sync::made_here;
use crate::clock;
use loom::thread::{self, JoinHandle};
use stallscope_wire::Mode;
use std::panic::Location;
use std::rc::Rc;

/// The models by name.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("loom_a_record_is_read_whole_or_not_at_all", open::whole_or_not_at_all),
    ("loom_a_cancelled_record_does_not_come_back", open::cancelled),
    ("loom_a_record_that_another_follows_was_handed_over", open::followed),
    ("loom_a_record_that_is_closed_was_handed_over", open::closed),
    ("loom_long_polls_come_whole_in_order_and_counted", long::in_order_and_counted),
    ("loom_a_record_has_its_own_stall_or_none", marks::own_stall),
    ("loom_a_record_is_not_dismissed_for_another", marks::dismissed),
    ("loom_totals_only_grow_and_lose_nothing", totals::only_grow),
    ("loom_a_cell_goes_to_the_next_thread_with_its_totals", hand_over::with_its_totals),
    ("loom_a_record_is_of_its_own_generation", hand_over::own_generation),
    ("loom_a_record_of_mode_lean_is_read_whole_or_not_at_all", lean::whole_or_not_at_all),
    ("loom_a_record_is_whole_across_a_change_of_mode", lean::whole_across_a_change),
    ("loom_a_cancelled_record_of_mode_lean_does_not_come_back", lean::cancelled),
    ("loom_a_record_that_was_asked_was_handed_over", lean::asked),
    ("loom_a_record_or_the_next_answers_who_asks", lean::asked_meanwhile),
    ("loom_a_change_of_mode_reaches_a_thread_that_adopts", lean::change_while_adopting),
    ("loom_a_change_of_mode_reaches_a_thread_that_registers", lean::change_while_registering),
    ("loom_a_record_has_its_own_start_or_none", lean::sighted),
    ("loom_what_is_allowed_is_read_whole_or_not_at_all", allowances::whole_or_not_at_all),
    ("loom_what_was_allowed_is_known_when_the_poll_is_over", allowances::known_at_the_end),
    ("loom_a_sleeper_does_not_sleep_while_there_is_work", alarm::work_begins),
    ("loom_a_doze_ends_with_a_ring", alarm::rung_awake),
    ("loom_a_sleep_ends_with_a_ring", alarm::rung_asleep),
    ("loom_a_fresh_task_is_read_whole_or_not_at_all", fresh::whole_or_not_at_all),
    ("loom_two_tasks_for_one_slot_are_not_mixed", fresh::two_for_one_slot),
    ("loom_a_task_that_is_taken_is_not_fresh_again", fresh::taken),
    ("loom_what_is_let_go_of_is_no_other_task", fresh::forgotten),
    ("loom_a_task_that_is_gone_was_spawned", tasks::gone_was_spawned),
    ("loom_a_location_has_one_number", tasks::one_number),
];

type Place = Option<&'static Location<'static>>;

#[track_caller]
fn here() -> Place {
    Some(Location::caller())
}

/// A cell at the beginning of a run.
fn cell() -> Rc<Cell> {
    clock::restart();
    // As the cell's atomics, the mode and the locations are of the thread that begins.
    mode::set(Mode::Full);
    assert_eq!(locations::numbered().count(), 0);
    Rc::new(made_here(Cell::new()))
}

/// Another thread that looks at the same; loom runs all of them on one.
fn beside<S: 'static, T: 'static>(shared: &Rc<S>, look: impl FnOnce(&S) -> T + 'static) -> JoinHandle<T> {
    let shared = Rc::clone(shared);
    thread::spawn(move || look(&shared))
}
