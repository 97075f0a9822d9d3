//! What a thread is allowed.

use super::{beside, cell, here};
use crate::recorder::allowances::{Allowances, Scope};
use crate::recorder::sync::made_here;
use std::rc::Rc;

pub(super) fn whole_or_not_at_all() {
    let (cell, place) = (cell(), here());
    let allowances = Rc::new(made_here(Allowances::new()));
    cell.turn(1, place);
    let scope = Scope::of_record(cell.read().unwrap());
    let watchdog = beside(&allowances, move |allowances| {
        let Some(allowed) = allowances.read(scope) else { return };
        let over: Vec<_> = allowed.spells.iter().map(|spell| (spell.site, spell.within(0, 100))).collect();
        let told = (allowed.open, over);
        assert!([(None, vec![]), (Some((1, 3)), vec![]), (None, vec![(1, 4)])].contains(&told), "{told:?}");
    });
    allowances.begin(scope, 1, 3);
    allowances.end(7);
    watchdog.join().unwrap();
}

/// Whoever no longer sees a poll finds all that was allowed in it.
pub(super) fn known_at_the_end() {
    let (cell, place) = (cell(), here());
    let both = Rc::new((cell, made_here(Allowances::new())));
    both.0.turn(1, place);
    let open = both.0.read();
    let scope = Scope::of_record(open.unwrap());
    let watchdog = beside(&both, move |both| {
        if both.0.read() != open {
            let allowed = both.1.read(scope).expect("the thread writes no more");
            assert_eq!(allowed.spells.iter().map(|spell| spell.within(0, 100)).collect::<Vec<_>>(), [4]);
        }
    });
    both.1.begin(scope, 1, 3);
    both.1.end(7);
    both.0.close();
    watchdog.join().unwrap();
}
