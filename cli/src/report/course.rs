use stallscope_wire::{Line, Snapshot, Worker, WorkerState};

/// Figures that are kept of one process; past it, two neighbours become one.
const FIGURES: usize = 1 << 18;
/// Long polls that are kept; further ones are counted.
const POLLS: usize = 10_000;
/// From this length on a poll that was seen in progress is worth a word, in nanoseconds.
const LONG_NS: u64 = 1_000_000;

/// How a process went: its snapshots in a few numbers each, over its whole life and in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// In order; the newest ones may stand for more than one snapshot each.
    pub(crate) looks: Vec<Look>,
    /// Threads that were seen polling, in the order in which they came.
    pub(crate) threads: Vec<Thread>,
    /// Polls that were seen in progress and were long then, in order of their beginning.
    pub(crate) polls: Vec<LongPoll>,
    /// Long polls that found no room.
    pub(crate) polls_left_out: u64,
    /// The longest wait of a probe that was told so far.
    lag_max_ns: u64,
    each: usize,
    /// Snapshots in the last look.
    taken: usize,
    figures: usize,
}

/// The state of a process at a time, or the worst of some neighbouring times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) at_ns: u64,
    /// The longest wait of a probe since the look before.
    pub(crate) lag_ns: Option<u64>,
    pub(crate) injection_queue: u64,
    pub(crate) local_queues: u64,
    pub(crate) blocking_queue: u64,
    pub(crate) alive_tasks: u64,
    pub(crate) threads: Vec<Seen>,
}

/// What a thread did at a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Index into the course's threads.
    pub(crate) thread: u16,
    pub(crate) state: WorkerState,
    pub(crate) busy_permille: u16,
}

/// A thread that polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) runtime: u64,
    /// Index among the runtime's workers; none for one that runs a root future alone.
    pub(crate) worker: Option<u32>,
    pub(crate) name: String,
    pub(crate) tid: i32,
}

/// A poll that was still going on when it was seen, and had not become a stall by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LongPoll {
    pub(crate) thread: u16,
    pub(crate) began_ns: u64,
    /// How long it had lasted when it was last seen; it went on for longer.
    pub(crate) seen_for_ns: u64,
    pub(crate) task: Option<u64>,
    pub(crate) spawned_at: Option<String>,
}

impl Course {
    /// Takes in what a line tells of the course; most lines tell nothing of it.
    pub(crate) fn note(&mut self, line: &Line) {
        if let Line::Snapshot(snapshot) = line {
            let look = self.look(snapshot);
            self.keep(look);
        }
    }

    fn look(&mut self, snapshot: &Snapshot) -> Look {
        let lag = &snapshot.lag;
        // A runtime that idles by the end of the window takes what it waited within it along, but for the histogram.
        let record = (lag.histogram.max_ns > self.lag_max_ns).then_some(lag.histogram.max_ns);
        self.lag_max_ns = self.lag_max_ns.max(lag.histogram.max_ns);
        let lag_ns = lag.window_max_ns.max(lag.now_ns).max(record);
        let mut look = Look { at_ns: snapshot.at_ns, lag_ns, ..Look::default() };
        for runtime in &snapshot.runtimes {
            for (sum, more) in [
                (&mut look.injection_queue, runtime.injection_queue),
                (&mut look.local_queues, runtime.local_queues),
                (&mut look.blocking_queue, runtime.blocking_queue),
                (&mut look.alive_tasks, runtime.alive_tasks),
            ] {
                *sum = sum.saturating_add(more);
            }
        }
        for worker in &snapshot.workers {
            let Some(thread) = self.thread(worker) else { continue };
            self.note_poll(thread, worker, snapshot.at_ns);
            // Thousandths by the format; a writer that says more says nonsense.
            let busy_permille = worker.busy_permille.min(1000) as u16;
            look.threads.push(Seen { thread, state: worker.state, busy_permille });
        }
        look
    }

    /// None beyond the number of threads that fit: 65,536.
    fn thread(&mut self, worker: &Worker) -> Option<u16> {
        let same = |thread: &Thread| {
            (thread.runtime, thread.worker, thread.tid) == (worker.runtime, worker.index, worker.tid)
        };
        let known = self.threads.iter().position(same).unwrap_or(self.threads.len());
        let index = u16::try_from(known).ok()?;
        if known == self.threads.len() {
            self.threads.push(Thread {
                runtime: worker.runtime,
                worker: worker.index,
                name: worker.thread.clone(),
                tid: worker.tid,
            });
        }
        Some(index)
    }

    fn note_poll(&mut self, thread: u16, worker: &Worker, at_ns: u64) {
        let long = worker.polling.as_ref().filter(|polling| polling.for_ns >= LONG_NS);
        let Some(polling) = long.filter(|_| worker.stall.is_none()) else { return };
        let began_ns = at_ns.saturating_sub(polling.for_ns);
        let before = self.polls.iter_mut().rev().find(|poll| poll.thread == thread);
        // The begin is reckoned anew at each look, to the same time but for a rounding.
        if let Some(same) = before.filter(|poll| began_ns.abs_diff(poll.began_ns) < LONG_NS) {
            same.seen_for_ns = polling.for_ns;
        } else if self.polls.len() < POLLS {
            self.polls.push(LongPoll {
                thread,
                began_ns,
                seen_for_ns: polling.for_ns,
                task: polling.task,
                spawned_at: polling.spawned_at.clone(),
            });
        } else {
            self.polls_left_out += 1;
        }
    }

    fn keep(&mut self, look: Look) {
        let each = self.each.max(1);
        match self.looks.last_mut().filter(|_| self.taken < each) {
            Some(last) => {
                last.merge(look);
                self.taken += 1;
            }
            None => {
                self.figures += look.figures();
                self.looks.push(look);
                self.taken = 1;
            }
        }
        if self.figures > FIGURES {
            self.thin_out();
        }
    }

    fn thin_out(&mut self) {
        let mut looks = std::mem::take(&mut self.looks).into_iter();
        while let Some(mut first) = looks.next() {
            if let Some(second) = looks.next() {
                first.merge(second);
            }
            self.looks.push(first);
        }
        self.figures = self.looks.iter().map(Look::figures).sum();
        self.each = self.each.max(1) * 2;
        self.taken = self.each;
    }
}

impl Look {
    fn figures(&self) -> usize {
        6 + self.threads.len()
    }

    /// The worse of two neighbours, at the time of the later.
    fn merge(&mut self, later: Self) {
        self.at_ns = later.at_ns;
        self.lag_ns = self.lag_ns.max(later.lag_ns);
        for (worse, other) in [
            (&mut self.injection_queue, later.injection_queue),
            (&mut self.local_queues, later.local_queues),
            (&mut self.blocking_queue, later.blocking_queue),
            (&mut self.alive_tasks, later.alive_tasks),
        ] {
            *worse = (*worse).max(other);
        }
        let rank = |state| match state {
            WorkerState::Blocked => 2,
            WorkerState::Polling => 1,
            _ => 0,
        };
        for seen in later.threads {
            match self.threads.iter_mut().find(|known| known.thread == seen.thread) {
                Some(known) => {
                    known.busy_permille = known.busy_permille.max(seen.busy_permille);
                    if rank(seen.state) > rank(known.state) {
                        known.state = seen.state;
                    }
                }
                None => self.threads.push(seen),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Histogram, LagState, Polling};

    fn snapshot(at_ns: u64, lag_ns: u64, for_ns: u64) -> Line {
        let polling = Polling { for_ns, ..Polling::default() };
        let worker = Worker { index: Some(0), polling: Some(polling), ..Worker::default() };
        let lag = LagState { window_max_ns: Some(lag_ns), ..LagState::default() };
        Line::Snapshot(Snapshot { at_ns, lag, workers: vec![worker], ..Snapshot::default() })
    }

    #[test]
    fn a_long_life_keeps_its_worst_in_bounded_room() {
        let mut course = Course::default();
        let looks = (FIGURES / 7 * 3) as u64;
        for at in 1..=looks {
            course.note(&snapshot(at, if at == looks / 2 { 77 } else { 1 }, 0));
        }
        assert!(course.figures <= FIGURES, "{}", course.figures);
        assert_eq!(course.looks.iter().filter_map(|look| look.lag_ns).max(), Some(77));
        assert!(course.looks.is_sorted_by_key(|look| look.at_ns));
        assert_eq!(course.looks.last().map(|look| look.at_ns), Some(looks));
    }

    #[test]
    fn the_longest_wait_is_told_though_the_runtime_idles_when_it_is_looked_at() {
        let mut course = Course::default();
        for (at_ns, max_ns) in [(1, 5), (2, 900), (3, 900)] {
            let histogram = Histogram { max_ns, ..Histogram::default() };
            let lag = LagState { histogram, ..LagState::default() };
            course.note(&Line::Snapshot(Snapshot { at_ns, lag, ..Snapshot::default() }));
        }
        assert!(course.looks.iter().map(|look| look.lag_ns).eq([Some(5), Some(900), None]));
    }

    #[test]
    fn a_poll_that_is_seen_again_is_one() {
        let mut course = Course::default();
        course.note(&snapshot(50_000_000, 1, 5_000_000));
        course.note(&snapshot(80_000_000, 1, 35_000_000));
        course.note(&snapshot(90_000_000, 1, 2_000_000));
        let polls: Vec<_> = course.polls.iter().map(|poll| (poll.began_ns, poll.seen_for_ns)).collect();
        assert_eq!(polls, [(45_000_000, 35_000_000), (88_000_000, 2_000_000)]);
    }
}
