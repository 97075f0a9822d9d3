//! A server that reads its connections to their end, and drops them then.
//!
//! Expected: no finding.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
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

/// Who leaves is no more connected.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut connected = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        connected.spawn(answer(connection));
        while connected.try_join_next().is_some() {}
    }
}

/// Until there is nothing more to read.
async fn answer(mut connection: TcpStream) -> io::Result<()> {
    let mut said = [0; 64];
    loop {
        match connection.read(&mut said).await? {
            0 => return Ok(()),
            length => connection.write_all(&said[..length]).await?,
        }
    }
}
