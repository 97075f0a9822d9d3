//! What stays open: a stream of events, and a chat over WebSockets.

mod chat;
mod events;
mod kept;
mod member;
mod origin;
mod room;
mod state;

pub(super) use state::{GETS, Live, MORE, routes};
