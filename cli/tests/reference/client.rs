//! A WebSocket's other end, and the frames of one that nobody should send.

use crate::harness::{SERVE, Server, stallscope};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::client::client;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// What takes longer has not happened.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A client of a chat.
pub(crate) struct Client(pub(crate) WebSocket<TcpStream>);

impl Client {
    pub(crate) fn join(server: &Server, path: &str) -> Self {
        let (socket, response) =
            client(format!("ws://{}{path}", server.addr), server.connect()).expect("it may join");
        assert_eq!(response.status(), 101);
        Self(socket)
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.send(Message::text(serde_json::json!({ "text": text }).to_string())).expect("it is connected");
    }

    /// What comes next, of which only messages count.
    pub(crate) fn hear(&mut self) -> Value {
        loop {
            match self.0.read().expect("it is connected") {
                Message::Text(text) => return serde_json::from_str(&text).expect(&text),
                Message::Close(close) => panic!("closed with {close:?}"),
                _ => {}
            }
        }
    }

    /// The code that the server closes with, whatever comes before it.
    pub(crate) fn closed_with(&mut self) -> u16 {
        loop {
            if let Message::Close(close) = self.0.read().expect("a code comes before the end") {
                return close.expect("a code").code.into();
            }
        }
    }
}

/// A connection whose handshake is done, to send and read bytes over.
pub(crate) fn raw(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.connect();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.addr
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole response");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    stream
}

/// The next frame: its kind and its content. Frames of the server are not masked, and those that are read here are short.
pub(crate) fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).expect("a frame");
    let mut content = vec![0; head[1].into()];
    stream.read_exact(&mut content).expect("a whole frame");
    (head[0] & 0xf, content)
}

/// A stream of events.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) fn of(server: &Server) -> Self {
        let mut stream = server.connect();
        write!(stream, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event and its data, past whatever else is in the stream.
    pub(crate) fn next(&mut self) -> (String, Value) {
        let event = self.line_with("event: ");
        let data = self.line_with("data: ");
        (event, serde_json::from_str(&data).expect(&data))
    }

    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let (event, data) = self.next();
            if event == kind {
                return data;
            }
        }
    }

    /// What is left of the stream when it is at its end.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).expect("it ends");
        rest
    }

    fn line_with(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).expect("a line"), 0, "the stream ended before {start}");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim_end().to_owned();
            }
        }
    }
}

impl Server {
    /// One with further arguments, and its log somewhere.
    pub(crate) fn told(args: &[&str], log: Stdio) -> Self {
        Self::of(stallscope(&SERVE).args(args).stderr(log))
    }

    /// Waits until what the server counts as open is as wanted.
    pub(crate) fn live_until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let live = self.get("/live").1;
            if wanted(&live) {
                return live;
            }
            assert!(Instant::now() < deadline, "it stays at {live:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
