use super::super::Run;
use stallscope::analysis::History;
use stallscope_wire::Stall;
use std::collections::{BTreeMap, BTreeSet};

/// Ids that are made up are beyond the kernel's, and still of 32 bits, which is what readers take.
pub(super) const BEYOND: u64 = 10_000_000;

/// A line of the picture: what one thread did.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) tid: u64,
    pub(super) name: String,
}

/// The threads of a process that polled: workers first, by their index.
#[derive(Debug)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    /// By kernel thread id, runtime and index, as stalls name them.
    known: BTreeMap<(i32, u64, Option<u32>), usize>,
    /// By the course's own index.
    by_thread: Vec<usize>,
}

impl Tracks {
    pub(super) fn of(run: &Run) -> Self {
        let seen = run.course.threads.iter();
        let seen = seen.map(|thread| ((thread.tid, thread.runtime, thread.worker), &*thread.name));
        // A thread may have been blocked between two snapshots, and never seen in one.
        let stalled = run.history.stalls().map(|record| {
            let thread = &record.stall.thread;
            ((thread.tid, thread.runtime, thread.worker), &*thread.name)
        });
        let mut threads: BTreeMap<_, &str> = BTreeMap::new();
        for (key, name) in seen.chain(stalled) {
            threads.entry(key).or_insert(name);
        }
        let mut threads: Vec<_> = threads.into_iter().collect();
        threads.sort_by_key(|((tid, runtime, worker), _)| (worker.is_none(), *runtime, *worker, *tid));

        let runtimes: BTreeSet<_> = threads.iter().map(|((_, runtime, _), _)| runtime).collect();
        let several = runtimes.len() > 1;
        let mut taken = BTreeSet::new();
        let (mut tracks, mut known) = (Vec::new(), BTreeMap::new());
        for (index, &((tid, runtime, worker), name)) in threads.iter().enumerate() {
            let mut id = u64::from(tid.unsigned_abs());
            // 0 is the idle thread's, and a made-up id is no thread's.
            while id == 0 || !taken.insert(id) {
                id += BEYOND;
            }
            let of = if several { format!(" of runtime {runtime}") } else { String::new() };
            let name = match worker {
                Some(worker) => format!("worker {worker}{of}"),
                None => format!("{}{of}", if name.is_empty() { "thread" } else { name }),
            };
            tracks.push(Track { tid: id, name });
            known.insert((tid, runtime, worker), index);
        }
        let by_thread = run.course.threads.iter();
        let by_thread =
            by_thread.filter_map(|thread| known.get(&(thread.tid, thread.runtime, thread.worker)));
        Self { by_thread: by_thread.copied().collect(), tracks, known }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter()
    }

    pub(super) fn of_stall(&self, stall: &Stall) -> Option<u64> {
        let thread = &stall.thread;
        let index = self.known.get(&(thread.tid, thread.runtime, thread.worker))?;
        Some(self.tracks[*index].tid)
    }

    /// Of a thread of the course.
    pub(super) fn of_thread(&self, thread: u16) -> u64 {
        self.tracks[self.by_thread[usize::from(thread)]].tid
    }

    pub(super) fn name(&self, thread: u16) -> &str {
        &self.tracks[self.by_thread[usize::from(thread)]].name
    }

    /// When no stall was told on each of them.
    pub(super) fn free_times(&self, history: &History) -> FreeTimes {
        let mut free = FreeTimes::default();
        for record in history.stalls() {
            let stall = &record.stall;
            if let Some(tid) = self.of_stall(stall) {
                free.taken
                    .insert((tid, stall.started_ns), stall.started_ns.saturating_add(stall.duration_ns));
            }
        }
        free
    }
}

/// The times at which nothing is on a track: what overlaps without being nested cannot be drawn.
#[derive(Debug, Default)]
pub(super) struct FreeTimes {
    /// Ends by track and begin.
    taken: BTreeMap<(u64, u64), u64>,
}

impl FreeTimes {
    /// Takes a time, unless some of it is taken.
    pub(super) fn take(&mut self, tid: u64, begin_ns: u64, lasts_ns: u64) -> bool {
        let end_ns = begin_ns.saturating_add(lasts_ns);
        let before = self.taken.range((tid, 0)..(tid, end_ns)).next_back();
        if before.is_some_and(|(_, &end)| end > begin_ns) {
            return false;
        }
        self.taken.insert((tid, begin_ns), end_ns);
        true
    }
}
