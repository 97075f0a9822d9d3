//! Too much at once: jobs, tasks, connections.

use super::super::faults::processor;
use super::order::LONG;
use super::stage::Stage;
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};

/// Connections that may wait to be accepted.
const PLACES: i32 = 4;
/// Connections that their clients have left.
const LEFT: usize = 3;

/// More jobs than the pool has threads for, in a runtime of their own.
pub(super) async fn full_pool(stage: Stage) -> io::Result<()> {
    let (tell, done) = oneshot::channel();
    thread::Builder::new().spawn(move || tell.send(fill_a_pool(&stage)))?;
    done.await.map_err(io::Error::other)?
}

fn fill_a_pool(stage: &Stage) -> io::Result<()> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).max_blocking_threads(1).enable_all();
    let _guard = stallscope::install(&mut builder).map_err(io::Error::other)?;
    builder.build()?.block_on(async {
        let jobs: JoinSet<_> = (0..3).map(|_| stage.clone()).map(job).collect();
        jobs.join_all().await.into_iter().collect()
    })
}

async fn job(stage: Stage) -> io::Result<()> {
    spawn_blocking(move || blocking_pool(&stage)).await.map_err(io::Error::other)
}

#[inline(never)]
fn blocking_pool(stage: &Stage) {
    here!(stage, thread::sleep(2 * LONG));
}

/// So many short polls that what is new waits long.
pub(super) async fn saturation(_: Stage) -> io::Result<()> {
    let short = |_| async {
        let end = processor::time() + Duration::from_millis(2);
        while processor::time() < end {}
    };
    (0..200).map(short).collect::<JoinSet<()>>().join_all().await;
    Ok(())
}

/// Connections that their clients have closed, and nobody else: until what it returns is dropped.
pub(super) fn left_connections(stage: &Stage) -> io::Result<(TcpListener, Vec<TcpStream>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    stage.at_listener(address);
    let accept = |_| {
        drop(TcpStream::connect(address)?);
        listener.accept().map(|(connection, _)| connection)
    };
    let kept = (0..LEFT).map(accept).collect::<io::Result<_>>()?;
    Ok((listener, kept))
}

/// Connections that nobody accepts: until what it returns is dropped.
pub(super) fn accept_queue(stage: &Stage) -> io::Result<(TcpListener, Vec<TcpStream>)> {
    let queue = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&queue, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    listen(&queue, PLACES)?;
    let listener = TcpListener::from(queue);
    let address = listener.local_addr()?;
    stage.at_listener(address);
    let waiting = (0..PLACES).map(|_| TcpStream::connect(address)).collect::<io::Result<_>>()?;
    Ok((listener, waiting))
}
