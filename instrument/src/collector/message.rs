//! What comes to the collector.

use super::live::UnixStream;
use stallscope_wire::{Gap, Line};
use std::sync::mpsc::Sender;

/// Messages that may wait for the collector.
pub(crate) const ROOM: usize = 1024;

/// What comes in.
#[derive(Debug)]
pub(crate) enum Message {
    Line(Box<Line>),
    /// A line that another one will soon replace.
    Draft(Box<Line>),
    Gap(Gap),
    /// Somebody wants to look on.
    Reader(UnixStream),
    Flush(Sender<()>),
    Finish(Sender<()>),
}
