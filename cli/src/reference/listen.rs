//! Where the server listens, and how it stops to.

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Connections that the kernel keeps until they are taken.
const BACKLOG: i32 = 1024;

/// Binds a socket that does not listen yet. A shared one leaves its port to others that are shared, and keeps it from those
/// that are not.
pub(super) fn bind(addr: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // A port whose last connections are not forgotten yet is free.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&SockAddr::from(addr))?;
    Ok(socket)
}

/// Begins to take connections.
pub(super) fn listen(socket: Socket) -> io::Result<tokio::net::TcpListener> {
    socket.listen(BACKLOG)?;
    tokio::net::TcpListener::from_std(socket.into())
}

/// Has the kernel drop what asks for a new connection, so that the queue of those that it has accepted can be emptied: closing
/// the socket resets whatever is in it. A client asks again after a second, and then finds the port closed, or another process
/// that shares it.
#[cfg(target_os = "linux")]
pub(super) fn take_no_more(listener: &tokio::net::TcpListener) -> io::Result<()> {
    use socket2::SockFilter;
    /// The codes of the filter's language: load a byte, jump if a bit is set, return.
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// Where TCP's flags are in its header, and the one that asks for a connection.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
pub(super) fn take_no_more(_: &tokio::net::TcpListener) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
