//! One client of the chat, from its first message to its last.

use super::super::shutdown::Hold;
use super::room::Place;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::task::yield_now;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite;

/// How long a client may take for what closes its connection.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a member is one no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client has closed, or its connection is gone.
    Left,
    /// It did not answer a ping before the next was due.
    Silent,
    /// It takes messages slower than others send them.
    Slow,
    /// It sent what is no WebSocket's, or too much of it; with the code that says what.
    Broken(u16),
    /// The server ends.
    Shutdown,
}

/// What a client says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Takes part in the chat for a client, until one of the two has had enough.
pub(super) async fn attend(
    socket: &mut WebSocket,
    place: &mut Place,
    heartbeat: Duration,
    hold: &mut Hold,
) -> End {
    let Place { room, id, heard, let_go } = place;
    let say = |text: &str| room.say(*id, text);
    tokio::select! {
        end = talk(socket, &say, heard, heartbeat) => end,
        _ = let_go => End::Slow,
        () = hold.ending() => End::Shutdown,
    }
}

async fn talk(
    socket: &mut WebSocket,
    say: &impl Fn(&str),
    heard: &mut Receiver<Utf8Bytes>,
    heartbeat: Duration,
) -> End {
    let mut beat = interval_at(Instant::now() + heartbeat, heartbeat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut alive = true;
    loop {
        let answer = tokio::select! {
            received = socket.recv() => {
                // Whatever comes shows that somebody is there: a busy client's pong may be far behind.
                alive = true;
                let answer = match received {
                    None => return End::Left,
                    Some(Err(error)) => return broken(error),
                    Some(Ok(Message::Text(text))) => take(&text, say),
                    Some(Ok(Message::Binary(_))) => Some(refusal("give text, not bytes")),
                    // tungstenite answers pings and closes by itself; after a close nothing comes.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => None,
                };
                // A client that sends without pause shall not keep the others from taking what it said.
                yield_now().await;
                answer
            }
            Some(said) = heard.recv() => Some(Message::Text(said)),
            _ = beat.tick() => {
                if !alive {
                    return End::Silent;
                }
                alive = false;
                Some(Message::Ping(Vec::new().into()))
            }
        };
        if let Some(answer) = answer {
            match timeout(heartbeat, socket.send(answer)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Left,
                Err(_) => return End::Slow,
            }
        }
    }
}

/// Says it, or answers why not: a client that makes a mistake may make a better attempt.
fn take(text: &str, say: &impl Fn(&str)) -> Option<Message> {
    match serde_json::from_str::<Say<'_>>(text) {
        Ok(said) => {
            say(&said.text);
            None
        }
        Err(error) => Some(refusal(&format!("{error}: send {{\"text\": \"…\"}}"))),
    }
}

fn refusal(error: &str) -> Message {
    Message::Text(json!({ "error": error }).to_string().into())
}

fn broken(error: axum::Error) -> End {
    use tungstenite::error::{Error, ProtocolError};
    match error.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => End::Broken(close_code::SIZE),
        Some(Error::Utf8(_)) => End::Broken(close_code::INVALID),
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Left,
        Some(Error::Protocol(_)) => End::Broken(close_code::PROTOCOL),
        _ => End::Left,
    }
}

/// Closes the connection and says why, if the client will hear it.
pub(super) async fn close(mut socket: WebSocket, end: End) {
    let (code, reason) = match end {
        End::Left => return,
        End::Silent => (close_code::POLICY, "a ping was not answered"),
        End::Slow => (close_code::AGAIN, "too slow for what the others say"),
        End::Broken(code) => (code, "this is no message of a chat"),
        End::Shutdown => (close_code::AWAY, "the server ends"),
    };
    let farewell = async {
        let close = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        if socket.send(Message::Close(Some(close))).await.is_ok() {
            // The client's own close comes after whatever it has sent before it.
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // Who does not take it is left without.
    let _ = timeout(FAREWELL, farewell).await;
}
