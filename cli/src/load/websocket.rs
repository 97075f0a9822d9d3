use super::connection::{Failure, dial};
use super::pace::Queue;
use super::plan::Content;
use super::shared::Shared;
use super::target::Target;
use futures_util::{SinkExt, StreamExt};
use hyper::header::{HOST, HeaderValue};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Bytes read at once: messages are small and sockets many.
const READ_BUFFER: usize = 4 * 1024;
/// The longest message that is taken in.
const LONGEST: usize = 1024 * 1024;
/// How long the other side may take to be told of the end.
const FAREWELL: Duration = Duration::from_millis(500);

/// A WebSocket that is open.
#[derive(Debug)]
pub(super) struct WebSocket(WebSocketStream<TcpStream>);

impl WebSocket {
    pub(super) async fn open(
        address: SocketAddr,
        target: &Target,
        content: &Content,
    ) -> Result<Self, Failure> {
        let url = format!("ws://{}{}", target.authority, target.path);
        let mut request = url.into_client_request().map_err(broken)?;
        let host = HeaderValue::from_str(&target.authority);
        request.headers_mut().insert(HOST, host.expect("a target's authority was parsed from a URL"));
        request.headers_mut().extend(content.headers.clone());
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(LONGEST));
        let opened = client_async_with_config(request, dial(address).await?, Some(config)).await;
        opened.map(|(socket, _)| Self(socket)).map_err(|error| match error {
            Error::Http(response) => Failure::Upgrade(response.status()),
            error => broken(error),
        })
    }

    /// Sends messages as they come due and takes in what comes, until the socket is lost.
    pub(super) async fn talk(&mut self, shared: &Shared, target: usize, queue: Option<&Queue>) -> Failure {
        let next = || async {
            match queue {
                Some(queue) => queue.next().await,
                None => None,
            }
        };
        // It keeps its turn in the queue while messages come in.
        let mut due = pin!(next());
        let (mut idle_since, mut more) = (Instant::now(), true);
        loop {
            tokio::select! {
                shot = &mut due, if more => {
                    match shot {
                        Some(shot) => {
                            let was_idle = idle_since <= shot.due;
                            if let Some(text) = shared.send(shot, was_idle)
                                && let Err(error) = self.0.send(Message::text(text)).await
                            {
                                return broken(error);
                            }
                            due.set(next());
                            idle_since = Instant::now();
                        }
                        None => more = false,
                    }
                }
                incoming = self.0.next() => match incoming {
                    Some(Ok(Message::Text(text))) => shared.received(target, &text),
                    Some(Ok(Message::Binary(_))) => shared.received(target, ""),
                    Some(Ok(Message::Close(Some(frame)))) => {
                        return Failure::Ended(format!("a WebSocket with code {}", frame.code));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return broken(error),
                    None => return Failure::Ended("a WebSocket".to_owned()),
                },
            }
        }
    }

    /// Says that it was all, as the protocol has it, and does not wait for the other side's word.
    pub(super) async fn close(mut self) {
        // Whoever does not take it in within the time gets to know it from the end of the connection.
        let _ = tokio::time::timeout(FAREWELL, self.0.close(None)).await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn broken(error: Error) -> Failure {
    Failure::Broken(error.to_string())
}
