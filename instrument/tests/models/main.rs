//! The protocols of the recorder and of tasks under loom, which goes through the orders in which threads may run and memory may be seen.
//!
//! The files are those of the recorder, and of what tasks share; in place of the standard library's atomics and of the clock they find the ones here.

mod clock;

#[path = "../../src/recorder"]
#[expect(dead_code, unused_imports, reason = "the models use a part of the recorder, and not its unit tests")]
#[expect(clippy::modulo_one, clippy::unnecessary_min_or_max, reason = "buckets have no parts in the models")]
mod recorder {
    mod alarm;
    mod allowances;
    mod cell;
    mod counts;
    mod fresh;
    mod locations;
    mod long;
    mod mode;
    #[path = "../../tests/models/models/mod.rs"]
    pub(crate) mod models;
    mod outsiders;
    #[path = "../../tests/models/sync.rs"]
    pub(crate) mod sync;
    mod table;
}

#[path = "../../src/task"]
#[expect(dead_code, reason = "the models use a part of what tasks share")]
mod task {
    mod fate;
    #[path = "../../tests/models/tasks.rs"]
    pub(crate) mod models;
    mod refs;
    use super::recorder::sync;
    mod wakes;
}

use libtest_mimic::{Arguments, Trial};

/// How often, in one run of a model, a thread that could go on is made to wait for another: without a bound, the models would
/// run for hours.
const PREEMPTIONS: usize = 3;

fn main() {
    let trial = |&(name, model): &(&'static str, fn())| {
        Trial::test(name, move || {
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound.get_or_insert(PREEMPTIONS);
            builder.check(model);
            Ok(())
        })
    };
    let models = recorder::models::ALL.iter().chain(task::models::ALL).map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), models).exit();
}
