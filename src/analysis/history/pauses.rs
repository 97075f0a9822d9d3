use stallscope_wire::Pause;
use std::collections::VecDeque;

/// How many are kept.
const LIMIT: usize = 1024;

/// When the machine did not run a process.
#[derive(Debug, Clone, Default)]
pub(super) struct Pauses {
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

    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &Pause> + Clone {
        self.records.iter()
    }
}
