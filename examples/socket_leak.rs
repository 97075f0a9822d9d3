//! A server that keeps its connections in a list, from which nobody takes those whose clients have left.
//!
//! Expected: `socket-leak` of a socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

fn main() -> io::Result<()> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    // A handler may take longer than this to answer a client that has said all it had to say.
    let config = stallscope::Config::new().close_wait(Duration::from_secs(1));
    let guard = config.install(&mut builder);
    let served = builder.build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener));
        visit(address, 50).await?;
        server.abort();
        Ok(())
    });
    drop(guard);
    served
}

/// A client each 100 ms, which says something, hears something, and leaves.
async fn visit(address: SocketAddr, clients: u32) -> io::Result<()> {
    let mut come = time::interval(Duration::from_millis(100));
    for _ in 0..clients {
        come.tick().await;
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(b"hello").await?;
        connection.read_exact(&mut [0; 5]).await?;
    }
    Ok(())
}

/// Who is connected is never asked whether it still is.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut connected = Vec::new();
    loop {
        let (mut connection, _) = listener.accept().await?;
        let mut said = [0; 5];
        connection.read_exact(&mut said).await?;
        connection.write_all(&said).await?;
        connected.push(connection);
    }
}
