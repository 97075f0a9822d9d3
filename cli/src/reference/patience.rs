//! How long a client may keep a connection waiting.
//!
//! hyper has one limit for the head of a request, and counts the time before it in. A connection may rest between requests, but a
//! head that has begun must come: so this clock, which hyper asks, knows from the stream whether it has.

use hyper::rt::{Sleep, Timer};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The clock of one connection.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// Whether a byte came since hyper began to wait for a head. One connection's task alone writes and reads it.
    begun: Arc<AtomicBool>,
    head: Duration,
}

impl Patience {
    /// For heads that may take so long from their first byte to their last.
    pub(super) fn new(head: Duration) -> Self {
        Self { begun: Arc::default(), head }
    }

    /// The connection's stream, as hyper is to read it.
    pub(super) fn stream<S>(&self, stream: S) -> Stream<S> {
        Stream { stream, begun: Arc::clone(&self.begun) }
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// hyper calls this when it begins to wait for a head.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.begun.store(false, Relaxed);
        let sleep = Box::pin(tokio::time::sleep_until(deadline.into()));
        Box::pin(Limit { sleep, patience: self.clone(), for_head: false })
    }
}

/// Ends with the time to rest, or, once a head has begun, with the time that it may take.
struct Limit {
    sleep: Pin<Box<tokio::time::Sleep>>,
    patience: Patience,
    for_head: bool,
}

impl Sleep for Limit {}

impl Future for Limit {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.for_head && self.patience.begun.load(Relaxed) {
            self.for_head = true;
            let deadline = Instant::now() + self.patience.head;
            self.sleep.as_mut().reset(deadline.into());
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// A stream that marks what comes in.
#[derive(Debug)]
pub(super) struct Stream<S> {
    stream: S,
    begun: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.begun.store(true, Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
