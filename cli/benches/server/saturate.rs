//! A closed loop: as little work for each request as will do, since the client shares the server's machine.

use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Latencies in nanoseconds, and how long it took.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn saturate(
    addr: SocketAddr,
    connections: usize,
    time: Duration,
) -> (Histogram<u64>, Duration) {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(addr).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("it is a socket");
        streams.push(stream);
    }
    let begun = Instant::now();
    let mut asking: JoinSet<_> = streams.into_iter().map(|stream| ask(stream, addr, begun + time)).collect();
    let mut all = latencies();
    while let Some(asked) = asking.join_next().await {
        all.add(asked.expect("no request fails")).expect("all have the same bounds");
    }
    (all, begun.elapsed())
}

async fn ask(mut stream: TcpStream, addr: SocketAddr, until: Instant) -> Histogram<u64> {
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\n\r\n");
    let (mut latencies, mut answer) = (latencies(), vec![0; 64 * 1024]);
    loop {
        let sent = Instant::now();
        if sent >= until {
            return latencies;
        }
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut filled = 0;
        while whole(&answer[..filled]).is_none_or(|length| filled < length) {
            let read = stream.read(&mut answer[filled..]).await.expect("the server answers");
            assert!(read > 0, "the server closed a connection");
            filled += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "the server answers another status");
        latencies.saturating_record(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
}

/// How long the answer is, once its head is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let mut lines = answer[..head].split(|&byte| byte == b'\n');
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        let value = name.eq_ignore_ascii_case(b"content-length:").then(|| std::str::from_utf8(value))?;
        value.ok()?.trim().parse::<usize>().ok()
    });
    Some(head + 4 + length.expect("the answer's length is told"))
}

fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are in order")
}
