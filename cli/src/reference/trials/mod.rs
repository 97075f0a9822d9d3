//! Each known way to block an event loop or to lose work, one after the other, for `stallscope selftest`: a program of its own,
//! instrumented as any user would instrument theirs. `here!` marks the line that is to be named.

/// Tells the stage that this line blocks, and runs what stands on it.
macro_rules! here {
    ($stage:expr, $code:expr) => {{
        $stage.at(file!(), line!());
        $code
    }};
}

mod calls;
mod crowds;
mod locks;
mod lost;
mod order;
mod roots;
mod stage;

pub(crate) use order::run;
pub(crate) use stage::{Cue, GO};
