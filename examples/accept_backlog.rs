//! A server that lets a client in only when the one before is served: the others wait in the listener's queue.
//!
//! Expected: `accept-backlog` of a socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Connections that may wait to be accepted, and clients that come at the same time.
const BACKLOG: u32 = 16;
const CLIENTS: u32 = 14;

#[stallscope::main]
async fn main() -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener));
    let mut clients = JoinSet::new();
    (0..CLIENTS).for_each(|_| drop(clients.spawn(visit(address))));
    while let Some(visited) = clients.join_next().await {
        visited.expect("a client does not panic")?;
    }
    server.abort();
    Ok(())
}

async fn visit(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect(address).await?.read_exact(&mut [0; 5]).await?;
    Ok(())
}

/// What a service does for a client.
async fn answer(mut connection: TcpStream) -> io::Result<()> {
    sleep(Duration::from_millis(500)).await;
    connection.write_all(b"hello").await
}

/// The next client is let in when the one before is served.
async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        answer(listener.accept().await?.0).await?;
    }
}
