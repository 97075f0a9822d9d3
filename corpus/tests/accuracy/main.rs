//! Every way to block: is it found, with the right line and the right cause? And is what does not block left alone?
//!
//! Each case of `corpus/src/cases` runs in processes of its own, on both flavours of runtime. `STALLSCOPE_CORPUS_ROUNDS=20` runs
//! everything that often, `STALLSCOPE_CORPUS_HOGS=8` beside so many threads that compute, `STALLSCOPE_CORPUS_CASE=name` runs the
//! cases with that name alone. The log of a run in which something is wrong is kept in cargo's `target/tmp`.

mod build;
mod expected;
mod found;
mod run;
mod source;
mod table;

use build::Build;
use std::sync::{Mutex, PoisonError};

/// One build at a time, so that none is a busy machine to another.
static ALONE: Mutex<()> = Mutex::new(());

fn is_told(build: &Build) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    table::judge(build, &run::all(build));
}

#[test]
fn dev() {
    is_told(&Build::dev());
}

#[test]
#[ignore = "builds the corpus with optimization; .ci/run runs it: cargo test -p stallscope-corpus -- --ignored"]
fn release_with_line_tables() {
    is_told(&Build::release());
}

#[test]
#[ignore = "builds the corpus with optimization; .ci/run runs it: cargo test -p stallscope-corpus -- --ignored"]
fn release_with_names_only() {
    is_told(&Build::release().stripped_of_lines());
}

#[test]
#[ignore = "builds the corpus with optimization; .ci/run runs it: cargo test -p stallscope-corpus -- --ignored"]
fn release_stripped() {
    is_told(&Build::release().stripped());
}
