//! Names the line that blocks your tokio event loop, while it blocks.

pub mod analysis;
