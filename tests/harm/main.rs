//! Captures do the watched process no harm, whatever it does.

mod calls;
mod captures;
#[path = "../instrument/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "it is shared with another suite, which uses the rest")]
mod harness;
