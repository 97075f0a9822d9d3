//! The reference server, the load and the demo, run as a user runs them.

mod bad_input;
mod calm;
mod demo;
mod faults;
mod harness;
mod load;
mod requests;
mod serve;
mod service;
