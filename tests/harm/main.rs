//! Captures do the watched process no harm, whatever it does.

mod blinded;
mod calls;
mod captures;
mod code;
mod ending;
mod endurance;
#[path = "../instrument/harness/mod.rs"]
#[expect(dead_code, reason = "it is shared with another suite, which uses the rest")]
mod harness;
mod signals;
mod work;
