//! Reports in the forms that people and machines read.

mod sockets;
pub(crate) mod text;
