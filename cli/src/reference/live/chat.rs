//! The chat: what a client says is heard by all others. And its twin, which forgets its connections.

use super::super::answer::failed;
use super::super::shutdown::Hold;
use super::member::{End, attend, close};
use super::origin;
use super::room::{Place, Room, Seen};
use super::state::Live;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Bytes that a message may have.
const MESSAGE_BYTES: usize = 64 * 1024;
/// Bytes of the buffers of one connection; tungstenite would take 128 KiB for each.
const BUFFER_BYTES: usize = 4 * 1024;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// What a client needs to take part.
struct Entrance {
    upgrade: WebSocketUpgrade,
    place: Place,
    hold: Hold,
}

pub(super) async fn join(State(live): State<Live>, headers: HeaderMap, upgrade: Upgrade) -> Response {
    let Entrance { upgrade, mut place, mut hold } = match enter(&live, &live.chat, &headers, upgrade) {
        Ok(entrance) => entrance,
        Err((status, why)) => return failed(status, &why),
    };
    upgrade.on_upgrade(async move |mut socket| {
        let end = attend(&mut socket, &mut place, live.heartbeat, &mut hold).await;
        count(&place.room.seen, end);
        drop(place);
        close(socket, end).await;
        drop(hold);
    })
}

pub(super) async fn join_leaky(State(live): State<Live>, headers: HeaderMap, upgrade: Upgrade) -> Response {
    let Entrance { upgrade, mut place, mut hold } = match enter(&live, &live.leaky, &headers, upgrade) {
        Ok(entrance) => entrance,
        Err((status, why)) => return failed(status, &why),
    };
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let end = attend(&mut socket, &mut place, live.heartbeat, &mut hold).await;
        count(&place.room.seen, end);
        if end == End::Shutdown {
            close(socket, end).await;
        } else {
            // This is wrong: the client is gone, and its socket is kept, so that the connection is never closed.
            live.kept.keep(socket);
        }
    })
}

/// Lets a client in, or says with which status it is not, and why.
fn enter(
    live: &Live,
    room: &Arc<Room>,
    headers: &HeaderMap,
    upgrade: Upgrade,
) -> Result<Entrance, (StatusCode, String)> {
    let unavailable = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
    if !origin::is_ours(headers) {
        room.seen.refused.fetch_add(1, Relaxed);
        let why = "a page of another origin may not take part in this chat";
        return Err((StatusCode::FORBIDDEN, why.to_owned()));
    }
    let upgrade = upgrade.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    let hold = live.shutdown.hold();
    if live.shutdown.has_begun() {
        return Err(unavailable("the server ends"));
    }
    let place = room.join().ok_or_else(|| unavailable("the chat is full"))?;
    let upgrade = upgrade
        .read_buffer_size(BUFFER_BYTES)
        // Nothing is held back: each message is written as it comes.
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_BYTES)
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES);
    Ok(Entrance { upgrade, place, hold })
}

fn count(seen: &Seen, end: End) {
    let count = match end {
        End::Left | End::Shutdown => &seen.left,
        End::Silent => &seen.silent,
        End::Slow => &seen.slow,
        End::Broken(_) => &seen.broken,
    };
    count.fetch_add(1, Relaxed);
}
