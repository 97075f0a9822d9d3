//! The part of Stallscope that runs inside the watched process.

mod recorder;
