//! The reference server, the load and the demo, run as a user runs them.

mod client;
mod demo;
mod faults;
mod harness;
mod live;
mod load;
mod processes;
mod serve;
mod shutdown;
