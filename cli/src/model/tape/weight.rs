use crate::model::process::Process;
use stallscope_wire::{Handler, Histogram, Location, Stack};

/// What a thing and its place in a list or map take, in bytes, but for what is counted apart.
const THING: usize = 200;
const BUCKET: usize = size_of::<(u64, u64)>();
/// Of a thread's last minute.
const STRIP: usize = 61 * 8;
/// As many states of the handlers are kept as there are seconds looked back on.
const HANDLER_STATES: usize = 61;

/// About what a copy of a process takes, in bytes, were all that it shares with other copies its own.
pub(super) fn weight(process: &Process) -> usize {
    let history = &process.history;
    let locations = history.snapshot().map_or(&[][..], |snapshot| &snapshot.locations);
    let workers = history.snapshot().map_or(0, |snapshot| snapshot.workers.len() + snapshot.watched.len());
    let handlers = history.handlers().map_or(&[][..], |handlers| &handlers.handlers);
    let (sockets, groups) =
        history.sockets().map_or((0, 0), |sockets| (sockets.sockets.len(), sockets.groups.len()));
    let stacks = history.stalls().filter_map(|record| record.stall.stack.as_ref());
    let others = history.stalls().count() + history.lags().count() + history.pauses().count();
    locations.iter().map(location).sum::<usize>()
        + handlers.iter().map(handler).sum::<usize>() * HANDLER_STATES
        // The list of sockets, and as it is shown; how many were in each group within the last minute.
        + sockets * 2 * THING
        + groups * HANDLER_STATES * THING
        + stacks.map(stack).sum::<usize>()
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

fn stack(stack: &Stack) -> usize {
    stack.frames.len() * THING
}
