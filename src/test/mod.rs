//! What `#[stallscope::test]` expands to.

mod outcome;
mod reaction;
mod run;

pub use outcome::{CannotFail, MayFail, Outcome};
pub use run::{Allowed, run_test};
