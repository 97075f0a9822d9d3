use super::window::LAST_MINUTE_NS;
use stallscope::analysis::StallRecord;
use stallscope_wire::{Snapshot, Thread, Worker, WorkerState};
use std::collections::{BTreeMap, VecDeque};

const MS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MS;
/// Seconds of a strip.
pub(crate) const STRIP: usize = (LAST_MINUTE_NS / SECOND_NS) as usize;
/// Of two states that lie further apart, nobody knows what was between them, in nanoseconds.
const APART_NS: u64 = 5 * SECOND_NS;

/// How busy each thread that polls was in each of the last seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strips {
    told_ns: u64,
    threads: BTreeMap<ThreadId, Known>,
}

/// Tells a thread from the others: a worker by its index, since it may go over to another thread.
pub(super) type ThreadId = (u64, Result<u32, i32>);

#[derive(Debug, Clone, Default)]
struct Known {
    /// Time in its polls by the last state.
    busy_ns: u64,
    /// Those of which something is known, oldest first.
    seconds: VecDeque<Second>,
}

/// A second by its number, and what is known of it, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    number: u32,
    known: u16,
    busy: u16,
}

/// What a thread did in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Did {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// It waited for work all the time.
    Parked,
    /// It was busy, for this many hundredths of it.
    Busy(u8),
    /// It was in a stall for some of it.
    Blocked,
    /// The machine did not run it for as long as a stall takes.
    Held,
}

/// A thread's last minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strip {
    /// Second by second, the current one last.
    pub(crate) seconds: [Did; STRIP],
    /// Time in stalls within the minute, in nanoseconds; the machine's part left out.
    pub(crate) blocked_ns: u64,
    /// How busy it was, in percent, where anything is known.
    pub(crate) busy: Option<u64>,
}

impl Strip {
    /// A sign for each second, the newest last.
    pub(crate) fn signs(&self) -> String {
        self.seconds.iter().map(|did| did.sign()).collect()
    }
}

impl Did {
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Unknown => ' ',
            Self::Parked => '·',
            Self::Busy(0..10) => '▁',
            Self::Busy(10..40) => '▃',
            Self::Busy(_) => '▅',
            Self::Blocked => '█',
            Self::Held => '▒',
        }
    }
}

impl Strips {
    pub(super) fn apply(&mut self, snapshot: &Snapshot) {
        let (from_ns, to_ns) = (self.told_ns, snapshot.at_ns);
        self.told_ns = to_ns.max(from_ns);
        for worker in &snapshot.workers {
            let known = self.threads.entry(id_of(worker)).or_default();
            let polled_ns = worker.busy_ns.saturating_sub(known.busy_ns);
            known.busy_ns = worker.busy_ns;
            let apart_ns = to_ns.saturating_sub(from_ns);
            // The first state says nothing of the time before it.
            if from_ns > 0 && apart_ns > 0 && apart_ns <= APART_NS {
                known.add(from_ns, to_ns, busy_permille(worker, polled_ns, apart_ns));
            }
        }
        let begin = number(self.told_ns.saturating_sub(LAST_MINUTE_NS));
        self.threads.retain(|_, known| {
            while known.seconds.front().is_some_and(|second| second.number < begin) {
                known.seconds.pop_front();
            }
            !known.seconds.is_empty() || from_ns == 0
        });
    }

    /// The last minute of all threads, by what is known of their states and of their stalls.
    pub(super) fn minute<'a>(
        &self,
        stalls: impl Iterator<Item = &'a StallRecord>,
        now_ns: u64,
    ) -> BTreeMap<ThreadId, Strip> {
        let current = number(now_ns);
        let mut strips: BTreeMap<_, _> =
            self.threads.iter().map(|(&id, known)| (id, known.strip(current))).collect();
        let begin_ns = now_ns.saturating_sub(LAST_MINUTE_NS);
        for record in stalls {
            let stall = &record.stall;
            let lasted_ns = if record.ongoing {
                stall.duration_ns.max(now_ns.saturating_sub(stall.started_ns))
            } else {
                stall.duration_ns
            };
            let ended_ns = stall.started_ns.saturating_add(lasted_ns).min(now_ns);
            let from_ns = stall.started_ns.max(begin_ns);
            if ended_ns <= from_ns {
                continue;
            }
            let strip =
                strips.entry(id_of_thread(&stall.thread)).or_insert_with(|| Known::default().strip(0));
            let host = record.blames_host();
            for number in number(from_ns)..=number(ended_ns - 1) {
                let age = current.saturating_sub(number) as usize;
                if let Some(did) = (STRIP - 1).checked_sub(age).and_then(|at| strip.seconds.get_mut(at))
                    && *did != Did::Blocked
                {
                    *did = if host { Did::Held } else { Did::Blocked };
                }
            }
            if !host {
                let host_ns = stall.duration_ns.saturating_sub(stall.attributable_ns);
                strip.blocked_ns += (ended_ns - from_ns).saturating_sub(host_ns);
            }
        }
        strips
    }
}

impl Known {
    /// It was busy for this share of the time between these.
    fn add(&mut self, from_ns: u64, to_ns: u64, permille: u64) {
        let mut at_ns = from_ns;
        while at_ns < to_ns {
            let number = number(at_ns);
            let until_ns = to_ns.min((u64::from(number) + 1) * SECOND_NS);
            let part = (until_ns - at_ns).div_ceil(MS).min(1000) as u16;
            let busy = (u64::from(part) * permille).div_ceil(1000) as u16;
            match self.seconds.back_mut() {
                Some(last) if last.number >= number => {
                    (last.known, last.busy) =
                        (last.known.saturating_add(part), last.busy.saturating_add(busy));
                }
                _ => self.seconds.push_back(Second { number, known: part, busy }),
            }
            at_ns = until_ns;
        }
    }

    fn strip(&self, current: u32) -> Strip {
        let mut seconds = [Did::Unknown; STRIP];
        let (mut known, mut busy) = (0, 0);
        for second in &self.seconds {
            let age = current.saturating_sub(second.number) as usize;
            let Some(did) = (STRIP - 1).checked_sub(age).and_then(|at| seconds.get_mut(at)) else { continue };
            *did = match (u64::from(second.busy) * 100 / u64::from(second.known.max(1))).min(100) {
                0 if second.busy == 0 => Did::Parked,
                share => Did::Busy(share as u8),
            };
            known += u64::from(second.known);
            busy += u64::from(second.busy);
        }
        Strip { seconds, blocked_ns: 0, busy: (busy * 100).checked_div(known) }
    }
}

/// tokio's own count for a worker; of a thread that only runs a root future, the time in its polls.
fn busy_permille(worker: &Worker, polled_ns: u64, apart_ns: u64) -> u64 {
    let polled = u128::from(polled_ns) * 1000 / u128::from(apart_ns.max(1));
    let blocked = worker.state == WorkerState::Blocked;
    let counted = if blocked { 1000 } else { u128::from(worker.busy_permille) };
    counted.max(if worker.index.is_none() { polled } else { 0 }).min(1000) as u64
}

pub(super) fn id_of(worker: &Worker) -> ThreadId {
    (worker.runtime, worker.index.ok_or(worker.tid))
}

pub(super) fn id_of_thread(thread: &Thread) -> ThreadId {
    (thread.runtime, thread.worker.ok_or(thread.tid))
}

fn number(at_ns: u64) -> u32 {
    u32::try_from(at_ns / SECOND_NS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Cause, Stall};

    const WORKER: ThreadId = (1, Ok(0));

    fn told(shares: &[u32]) -> Strips {
        let mut strips = Strips::default();
        for (half, &busy_permille) in (2..).zip(shares) {
            let worker = Worker { runtime: 1, index: Some(0), tid: 7, busy_permille, ..Worker::default() };
            let at_ns = half * SECOND_NS / 2;
            strips.apply(&Snapshot { at_ns, workers: vec![worker], ..Snapshot::default() });
        }
        strips
    }

    fn stall(started_ms: u64, lasted_ms: u64, cause: Cause) -> StallRecord {
        let thread = Thread { runtime: 1, worker: Some(0), tid: 7, ..Thread::default() };
        let (started_ns, duration_ns) = (started_ms * MS, lasted_ms * MS);
        let stall = Stall {
            started_ns,
            duration_ns,
            attributable_ns: duration_ns,
            thread,
            cause,
            ..Stall::default()
        };
        StallRecord { stall, ongoing: false }
    }

    fn last(strips: &Strips, stalls: &[StallRecord], now_ms: u64) -> Vec<Did> {
        let strip = strips.minute(stalls.iter(), now_ms * MS).remove(&WORKER).expect("its strip");
        strip.seconds[STRIP - 4..].to_vec()
    }

    #[test]
    fn each_second_is_as_busy_as_the_states_in_it_say() {
        let strips = told(&[0, 200, 400, 0, 0, 1000, 1000]);
        let expected = [Did::Unknown, Did::Busy(30), Did::Parked, Did::Busy(100)];
        assert_eq!(last(&strips, &[], 3_999), expected);
        assert_eq!(last(&strips, &[], 4_000)[3], Did::Unknown, "time goes on without a state");
    }

    #[test]
    fn a_stall_stands_over_what_else_was_done_and_the_machine_below_it() {
        let strips = told(&[0; 7]);
        let stalls = [stall(2_900, 200, Cause::Syscall), stall(1_100, 300, Cause::Host)];
        assert_eq!(last(&strips, &stalls, 3_999), [Did::Unknown, Did::Held, Did::Blocked, Did::Blocked]);
        let strip = &strips.minute(stalls.iter(), 3_999 * MS)[&WORKER];
        assert_eq!((strip.blocked_ns, strip.busy), (200 * MS, Some(0)));
    }

    #[test]
    fn a_stall_that_began_before_the_minute_counts_from_its_begin() {
        let strips = told(&[0; 200]);
        let strip = &strips.minute([stall(35_000, 10_000, Cause::Cpu)].iter(), 100_000 * MS)[&WORKER];
        assert_eq!(strip.blocked_ns, 5_000 * MS);
        assert_eq!(strip.seconds.iter().filter(|did| **did == Did::Blocked).count(), 4);
    }

    #[test]
    fn no_more_than_a_minute_is_kept_and_threads_that_are_gone_are_forgotten() {
        let mut strips = told(&[1; 600]);
        assert!(strips.threads[&WORKER].seconds.len() <= STRIP + 1);
        for second in 400..480 {
            strips.apply(&Snapshot { at_ns: second * SECOND_NS, ..Snapshot::default() });
        }
        assert!(strips.threads.is_empty());
    }
}
