use super::connection::{Failure, stream};
use super::histogram::record;
use super::plan::Content;
use super::shared::Shared;
use super::target::Target;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::CONTENT_TYPE;
use std::net::SocketAddr;
use std::time::Instant;

/// An event stream (server-sent events) that is open.
#[derive(Debug)]
pub(super) struct Events {
    _sender: SendRequest<Full<Bytes>>,
    body: Incoming,
    begun: Instant,
}

impl Events {
    pub(super) async fn open(
        address: SocketAddr,
        target: &Target,
        content: &Content,
        begun: Instant,
    ) -> Result<Self, Failure> {
        let (sender, response) = stream(address, target, content).await?;
        if response.status() != StatusCode::OK {
            return Err(Failure::NoEvents(format!("the status is {}", response.status())));
        }
        let kind = response.headers().get(CONTENT_TYPE).map_or(&b"none"[..], |kind| kind.as_bytes());
        if !kind.starts_with(b"text/event-stream") {
            let kind = String::from_utf8_lossy(kind);
            return Err(Failure::NoEvents(format!("the content type is {kind}")));
        }
        Ok(Self { _sender: sender, body: response.into_body(), begun })
    }

    /// Counts what comes, until the stream is lost.
    pub(super) async fn count(&mut self, shared: &Shared, target: usize) -> Failure {
        let (mut lines, mut any) = (Lines::default(), false);
        while let Some(frame) = self.body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return error.into(),
            };
            let events = frame.data_ref().map_or(0, |data| lines.feed(data));
            if events == 0 {
                continue;
            }
            let mut tally = shared.tally();
            let held = &mut tally.targets[target].held;
            held.received += events;
            if !std::mem::replace(&mut any, true) {
                record(&mut held.opening, self.begun.elapsed());
            }
        }
        Failure::Ended("an event stream".to_owned())
    }
}

/// As much of a stream's text as it takes to count its events: each ends with an empty line, and one without data is none.
#[derive(Debug, Default)]
struct Lines {
    /// How the line begins that is being read.
    begin: Vec<u8>,
    data: bool,
    after_return: bool,
}

impl Lines {
    /// How many events end in this piece of the text.
    fn feed(&mut self, text: &[u8]) -> u64 {
        let mut events = 0;
        for &byte in text {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    let begin = std::mem::take(&mut self.begin);
                    if begin.is_empty() {
                        events += u64::from(std::mem::take(&mut self.data));
                    }
                    self.data |= begin == b"data" || begin == b"data:";
                }
                _ if self.begin.len() < b"data:".len() => self.begin.push(byte),
                _ => {}
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_some_data_and_an_empty_line() {
        for (text, events) in [
            ("data: 1\n\ndata: 2\ndata: 3\n\n", 2),
            ("event: tick\r\ndata:1\r\n\r\nid: 7\r\ndata\r\n\r\n", 2),
            ("data: 1\r\rdata: 2\r\r", 2),
            (": still here\n\nevent: tick\n\nretry: 10\n\n", 0),
            ("database: 1\n\n", 0),
            ("data: cut off\n", 0),
        ] {
            assert_eq!(Lines::default().feed(text.as_bytes()), events, "{text:?}");
            let mut lines = Lines::default();
            let bytewise: u64 = text.as_bytes().chunks(1).map(|piece| lines.feed(piece)).sum();
            assert_eq!(bytewise, events, "{text:?}, byte by byte");
        }
    }
}
