//! What the instrument does in a process that uses it through the facade.

mod allowed;
mod blocking;
mod ending;
mod flight;
mod harness;
mod hooks;
mod idle;
mod late;
mod live;
mod load;
mod modes;
mod observe;
mod pool;
mod replay;
mod requests;
mod runtimes;
mod settings;
mod silence;
mod sockets;
mod tasks;
mod unpolled;
mod victims;
mod watched;
mod words;
