//! Names the line that blocks your tokio event loop, while it blocks.

pub mod analysis;

#[cfg(feature = "http")]
pub use stallscope_instrument::http;
