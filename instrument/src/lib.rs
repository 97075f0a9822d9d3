//! The part of Stallscope that runs inside the watched process.

#[cfg(feature = "http")]
pub mod http;
mod recorder;
