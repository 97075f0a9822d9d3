//! Waiting for the network; all of it is the loopback device.

use crate::time::{LONG, later};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// A stream whose other end says nothing for a while.
fn stream(silent_for: Duration) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        thread::sleep(silent_for);
        peer.write_all(b"late").unwrap();
    });
    stream
}

/// The address of a listener that takes no more connections for a while, because its queue is full.
async fn black_hole() -> SocketAddr {
    let fill = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(20)).ok();
        let queued: Vec<TcpStream> = std::iter::from_fn(connect).collect();
        later(move || drop((listener, queued)));
        address
    };
    spawn_blocking(fill).await.unwrap()
}

pub(super) async fn tcp_read() {
    let mut stream = stream(LONG);
    stream.read_exact(&mut [0; 4]).unwrap(); // blocks here: syscall recvfrom
}

pub(super) async fn tcp_read_with_timeout() {
    let mut stream = stream(10 * LONG);
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap_err(); // blocks here: syscall recvfrom
}

/// The refusal comes when the kernel has knocked once more, after a second.
pub(super) async fn connect_to_a_black_hole() {
    let address = black_hole().await;
    TcpStream::connect(address).unwrap_err(); // blocks here: syscall connect
}

pub(super) async fn connect_with_timeout() {
    let address = black_hole().await;
    TcpStream::connect_timeout(&address, LONG).unwrap_err(); // blocks here: syscall poll
}

pub(super) async fn accept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    later(move || drop(TcpStream::connect(address)));
    listener.accept().unwrap(); // blocks here: syscall accept4 | accept
}
