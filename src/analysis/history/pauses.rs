use super::{HostTimes, StallRecord, Stalls};
use stallscope_wire::{Header, Pause};
use std::collections::VecDeque;

/// How many are kept.
const LIMIT: usize = 1024;

/// When the machine did not run a process.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Pauses {
    records: VecDeque<Pause>,
    /// The long ones that are kept no more.
    folded: HostTimes,
}

impl Pauses {
    pub(super) fn apply(&mut self, header: &Header, stalls: &Stalls, pause: Pause) {
        self.records.push_back(pause);
        if self.records.len() > LIMIT {
            // The shortest says least; of equals the oldest.
            let shortest = (0..LIMIT).min_by_key(|&i| self.records[i].gap_ns).unwrap_or(0);
            let gone = self.records.remove(shortest);
            // The stall that it made counts in its place from now on.
            let made = |gone: &Pause| stalls.records().any(|made| made.blames_host() && overlap(gone, made));
            let alone = gone.filter(|gone| !made(gone));
            if let Some((start_ns, length_ns)) = alone.and_then(|gone| host_time(header, stalls, &gone)) {
                self.folded.note(start_ns, length_ns);
            }
        }
    }

    /// What they are counted with that are kept no more.
    pub(in super::super) fn folded(&self) -> HostTimes {
        self.folded
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

/// When a pause began, and how much of it was the machine's: the code that blocked meanwhile answers for the rest, and no
/// time is told of as both. None when too little is left to be told.
pub(in super::super) fn host_time(header: &Header, stalls: &Stalls, pause: &Pause) -> Option<(u64, u64)> {
    let blocked = stalls.records().filter(|record| !record.blames_host() && overlap(pause, record));
    let host = blocked.map(|record| record.stall.duration_ns.saturating_sub(record.stall.attributable_ns));
    let length_ns = pause.gap_ns.min(host.min().unwrap_or(u64::MAX));
    let start_ns = pause.at_ns.saturating_sub(pause.gap_ns);
    (length_ns >= header.threshold_ns.max(1)).then_some((start_ns, length_ns))
}

pub(in super::super) fn overlap(pause: &Pause, record: &StallRecord) -> bool {
    let (start, length) = (record.stall.started_ns, record.stall.duration_ns);
    pause.at_ns > start && pause.at_ns.saturating_sub(pause.gap_ns) < start.saturating_add(length)
}
