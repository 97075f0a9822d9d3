use crate::recorder::LongPoll;
use crate::watchdog::{PoolReport, StallReport};
use stallscope_wire::{Gap, Lag, Pause, RouteVictims};
use std::sync::mpsc::Sender;

/// Reports that may wait for the diagnosis.
pub(crate) const ROOM: usize = 256;

/// What the watchdog tells.
#[derive(Debug)]
pub(crate) enum Report {
    Stall(Box<StallReport>),
    /// The routes of the requests that waited behind a stall that has ended.
    Routes {
        id: u64,
        routes: Vec<RouteVictims>,
    },
    /// A long poll that is no stall: it lies in the start-up grace.
    LongPoll(LongPoll),
    Lag {
        lag: Lag,
        /// One thread runs the whole runtime.
        one_thread: bool,
    },
    Pause(Pause),
    Pool(Box<PoolReport>),
    /// Something that cannot be seen.
    Unseen(Gap),
    Flush(Sender<()>),
    Finish(Sender<()>),
}
