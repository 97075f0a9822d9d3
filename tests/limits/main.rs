//! `#[stallscope::test]`: samples that are tests of this binary, and are run by others of it, in processes of their own.

mod attributes;
mod blocking;
mod contention;
mod harness;
#[path = "../contention/hogs.rs"]
mod hogs;
mod leaks;
mod neighbours;
mod reactions;
mod samples;
