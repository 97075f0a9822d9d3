//! What the instrument does in a process that uses it through the facade.

mod blocking;
mod ending;
mod harness;
mod hooks;
mod live;
mod runtimes;
mod settings;
mod silence;
mod victims;
mod words;
