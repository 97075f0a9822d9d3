use crate::model::process::Process;
use stallscope_wire::{Handler, Histogram, Location};

/// What a thing and its place in a list or map take, in bytes, but for what is counted apart.
const THING: usize = 200;
const BUCKET: usize = size_of::<(u64, u64)>();
/// What something that copies share takes in each of them.
const SHARED: usize = 40;
/// Of a thread's last minute.
const STRIP: usize = 61 * 8;

/// About what a copy of a process takes of its own, in bytes. Stalls, and what was in each second of the last minute, it shares with
/// other copies: of these there is one for each line.
pub(super) fn weight(process: &Process) -> usize {
    let history = &process.history;
    let locations = history.snapshot().map_or(&[][..], |snapshot| &snapshot.locations);
    let workers = history.snapshot().map_or(0, |snapshot| snapshot.workers.len() + snapshot.watched.len());
    let handlers = history.handlers().map_or(&[][..], |handlers| &handlers.handlers);
    let (sockets, groups) =
        history.sockets().map_or((0, 0), |sockets| (sockets.sockets.len(), sockets.groups.len()));
    let others = history.lags().count() + history.pauses().count();
    locations.iter().map(location).sum::<usize>()
        // As last told, and as they are shown.
        + handlers.iter().map(handler).sum::<usize>() * 2
        + (sockets + groups) * 2 * THING
        + history.stalls().count() * SHARED
        + (workers + others) * THING
        + workers * STRIP
}

/// With what is followed of it over time.
fn location(location: &Location) -> usize {
    4 * (THING + location.spawned_at.len()) + histogram(&location.poll)
}

fn handler(handler: &Handler) -> usize {
    THING + handler.route.len() + histogram(&handler.latency)
}

fn histogram(histogram: &Histogram) -> usize {
    histogram.buckets.len() * BUCKET
}
