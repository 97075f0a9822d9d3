use super::connection::Connection;
use super::pace::Queue;
use super::shared::Shared;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Sends one request after the other, as they come due and this connection is free.
pub(super) async fn work(shared: Arc<Shared>, queue: Arc<Queue>) {
    let mut connections = HashMap::new();
    loop {
        let idle_since = Instant::now();
        let shot = tokio::select! {
            shot = queue.next() => shot,
            () = shared.cut() => return,
        };
        let Some(shot) = shot else { return };
        let (target, address) = &shared.targets[shot.target];
        let connection = connections.entry(*address).or_insert_with(|| Connection::to(*address));
        let sent = Instant::now();
        shared.tally().sent(sent.saturating_duration_since(shot.due), idle_since <= shot.due);
        let outcome = tokio::select! {
            outcome = connection.exchange(target, &shared.content) => outcome,
            () = shared.cut() => {
                shared.tally().unfinished += 1;
                return;
            }
        };
        let now = Instant::now();
        let mut tally = shared.tally();
        match outcome {
            Ok(status) => tally.answered(shot.target, Some(status), now - shot.due, now - sent),
            Err(failure) => tally.failed(&failure),
        }
    }
}
