//! What the instrument does in a process that uses it through the facade.

mod blocking;
mod ending;
mod harness;
mod hooks;
mod idle;
mod live;
mod modes;
mod runtimes;
mod settings;
mod silence;
mod unpolled;
mod victims;
mod words;
