//! The reference server, the load and the demo, run as a user runs them.

mod demo;
mod faults;
mod harness;
mod load;
mod peer;
mod serve;
