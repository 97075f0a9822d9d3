//! On a machine that is busy elsewhere: four times as many processes compute as there are processors.

#[expect(dead_code, unused_imports, reason = "the harness serves other tests too")]
#[path = "../instrument/harness/mod.rs"]
mod harness;
mod hogs;

mod guilty;
mod innocent;
