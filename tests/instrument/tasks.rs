//! Tasks of `stallscope::spawn`, and of tokio's: which of their failures are told, and which of them are told to be lost.

mod failing;
mod lost;
mod stand_in;
