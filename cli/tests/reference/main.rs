//! The reference server, the load and the demo, run as a user runs them.

mod bad_input;
mod calm;
mod client;
mod demo;
mod faults;
mod harness;
mod held;
mod live;
mod load;
mod peer;
mod processes;
mod report;
mod requests;
mod serve;
mod service;
mod shutdown;
