//! What every request passes on its way to its route, and on its way back.

mod access_log;
mod bearer;
mod compression;
mod panics;
mod request_id;
mod security_headers;
mod stack;

pub(super) use bearer::require_bearer;
pub(super) use stack::stack;
