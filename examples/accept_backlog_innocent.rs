//! A server that lets clients in as they come, and serves each in a task of its own.
//!
//! Expected: no finding.

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

/// Whoever comes is let in at once, and served by a task of its own.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut served = JoinSet::new();
    loop {
        served.spawn(answer(listener.accept().await?.0));
    }
}
