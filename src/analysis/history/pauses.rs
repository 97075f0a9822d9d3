use super::StallRecord;
use stallscope_wire::{Header, Pause};
use std::collections::VecDeque;

/// How many are kept.
const LIMIT: usize = 1024;

/// When the machine did not run a process.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Pauses {
    records: VecDeque<Pause>,
}

impl Pauses {
    pub(super) fn apply(&mut self, pause: Pause) {
        self.records.push_back(pause);
        if self.records.len() > LIMIT {
            // The shortest says least; of equals the oldest.
            let shortest = (0..LIMIT).min_by_key(|&i| self.records[i].gap_ns).unwrap_or(0);
            self.records.remove(shortest);
        }
    }

    /// Those that would have been a stall; the watchdog wakes late all the time by a little.
    pub(in super::super) fn long(&self, header: &Header) -> impl Iterator<Item = &Pause> + Clone {
        let threshold_ns = header.threshold_ns.max(1);
        self.records.iter().filter(move |pause| pause.gap_ns >= threshold_ns)
    }

    /// Whether a long one overlaps a stall: then they are one event.
    pub(in super::super) fn overlap(&self, header: &Header, record: &StallRecord) -> bool {
        self.long(header).any(|pause| overlap(pause, record))
    }

    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &Pause> + Clone {
        self.records.iter()
    }
}

pub(in super::super) fn overlap(pause: &Pause, record: &StallRecord) -> bool {
    let (start, length) = (record.stall.started_ns, record.stall.duration_ns);
    pause.at_ns > start && pause.at_ns.saturating_sub(pause.gap_ns) < start.saturating_add(length)
}
