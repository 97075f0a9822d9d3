//! Tasks that are spawned and not polled, though their runtime gets on.

use super::watch::Watch;
use crate::clock::{self, ticks_to_ns};
use crate::collector::Message;
use crate::engine::Losses;
use crate::recorder::{self, FreshTask, fresh};
use crate::runtime::Runtime;
use stallscope_wire::{Instead, Line, Unpolled};
use std::collections::{BTreeMap, HashMap};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, TrySendError};

/// How often fresh tasks are looked for, in nanoseconds.
const PACE_NS: u64 = 500_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Tasks that are followed to their first poll at one time, and that are taken up in a second: behind one worker that is
/// blocked there may be thousands, and a few tell as much.
const ROOM: usize = 64;
const A_SECOND: usize = 16;
/// What ran instead: this many locations at most.
const INSTEAD: usize = 4;

/// By location: polls, and the time in them in ticks.
type Busy = HashMap<&'static Location<'static>, (u64, u64)>;

/// Follows the tasks that are not polled.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// When they were looked for last, in nanoseconds since the start.
    looked_ns: u64,
    /// For how long since then the watchdog itself was not run.
    gap_ns: u64,
    /// What the runtimes had done then.
    done: HashMap<u64, u64>,
    seen: HashMap<u64, Seen>,
    told: HashMap<u64, Unpolled>,
    /// When the second began in which tasks were taken up last, in nanoseconds since the start, and how many were.
    second: (u64, usize),
}

/// A task that was seen fresh.
#[derive(Debug)]
struct Seen {
    runtime: u64,
    /// Since when it is fresh, in nanoseconds since the start: if its spawn was not timed, since it was seen.
    since_ns: u64,
    /// For how long since then its runtime got on.
    passed_ns: u64,
    /// Somebody was told, or it was counted that nobody was.
    told: bool,
    /// What had run when it was seen the second time, until it is told: most are seen once.
    busy: Option<Rc<Busy>>,
}

/// What a look goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) now_ns: u64,
    /// For how long the watchdog itself was not run since the last look.
    pub(super) gap_ns: u64,
    pub(super) limit_ns: u64,
    pub(super) runtimes: &'a [Arc<Runtime>],
    pub(super) watches: &'a [Watch],
}

impl Waiting {
    /// Looks whether those that were told of were polled meanwhile, and from time to time for others. Nothing is fresh while
    /// the process is `idle`, unless it was before.
    pub(super) fn look(
        &mut self,
        around: Around<'_>,
        idle: bool,
        output: &SyncSender<Message>,
        losses: &Losses,
    ) {
        let now_ns = around.now_ns;
        self.told.retain(|&task, line| fresh().keeps(task) || !ends(line, now_ns, output));
        self.gap_ns += around.gap_ns;
        let pace_ns = PACE_NS.min(around.limit_ns / 2);
        if now_ns.saturating_sub(self.looked_ns) < pace_ns || (idle && self.seen.is_empty()) {
            return;
        }
        let from_ns = std::mem::replace(&mut self.looked_ns, now_ns);
        let gap_ns = std::mem::take(&mut self.gap_ns);
        let before = std::mem::take(&mut self.done);
        let mut known = std::mem::take(&mut self.seen);
        let mut busy_now = None;
        for task in fresh().read() {
            let mut of_probe = around.runtimes.iter().filter(|runtime| task.is_of(runtime.probe));
            let (Some(runtime), None) = (of_probe.next(), of_probe.next()) else {
                // Which one it waits for cannot be told, or none is left that could poll it.
                if known.contains_key(&task.task)
                    && !around.runtimes.iter().any(|runtime| task.is_of(runtime.probe))
                {
                    fresh().forget(task.task);
                }
                continue;
            };
            let done = *self.done.entry(runtime.id).or_insert_with(|| done(runtime, around.watches));
            let got_on = done > 0 && before.get(&runtime.id).is_none_or(|&before| done != before);
            let seen = match known.remove(&task.task) {
                Some(seen) if seen.busy.is_none() && !seen.told => {
                    let busy = busy_now.get_or_insert_with(|| Rc::new(busy()));
                    Seen { busy: Some(Rc::clone(busy)), ..seen }
                }
                Some(seen) => seen,
                None => Seen {
                    runtime: runtime.id,
                    since_ns: task.spawned.map_or(now_ns, clock::tick_to_at_ns),
                    passed_ns: 0,
                    told: false,
                    busy: None,
                },
            };
            let window_ns = now_ns.saturating_sub(seen.since_ns.max(from_ns)).saturating_sub(gap_ns);
            let passed_ns = seen.passed_ns + if got_on { window_ns } else { 0 };
            let mut seen = Seen { passed_ns, ..seen };
            if passed_ns >= around.limit_ns && !seen.told {
                seen.told = true;
                if !self.has_room(now_ns) || !self.tell(task, &seen, around, output) {
                    losses.first_polls.fetch_add(1, Relaxed);
                }
                seen.busy = None;
            }
            self.seen.insert(task.task, seen);
        }
    }

    /// Whether another task may be told of.
    fn has_room(&mut self, now_ns: u64) -> bool {
        if now_ns.saturating_sub(self.second.0) >= SECOND_NS {
            self.second = (now_ns, 0);
        }
        self.second.1 += 1;
        self.second.1 <= A_SECOND && self.told.len() < ROOM
    }

    /// Whether it was told: the queue may be full.
    fn tell(
        &mut self,
        task: FreshTask,
        seen: &Seen,
        around: Around<'_>,
        output: &SyncSender<Message>,
    ) -> bool {
        let location = recorder::location(task.number);
        let line = Unpolled {
            at_ns: around.now_ns,
            runtime: seen.runtime,
            task: task.task,
            spawned_at: location.map(ToString::to_string).unwrap_or_default(),
            waited_ns: around.now_ns.saturating_sub(seen.since_ns),
            ongoing: true,
            instead: instead(seen, around),
        };
        let sent = sent(&line, output);
        if sent {
            self.told.insert(task.task, line);
        }
        sent
    }

    /// Nobody tells of first polls any more, or did: what is fresh may have been polled.
    pub(super) fn forget(&mut self, now_ns: u64, output: &SyncSender<Message>) {
        fresh().read().for_each(|task| fresh().forget(task.task));
        self.told.retain(|_, line| !ends(line, now_ns, output));
        self.seen.clear();
        self.done.clear();
    }
}

/// Tells that a task no longer waits; whether it was told.
fn ends(line: &mut Unpolled, now_ns: u64, output: &SyncSender<Message>) -> bool {
    let waited_ns = line.waited_ns + now_ns.saturating_sub(line.at_ns);
    let over = Unpolled { at_ns: now_ns, waited_ns, ongoing: false, ..line.clone() };
    sent(&over, output)
}

fn sent(line: &Unpolled, output: &SyncSender<Message>) -> bool {
    let line = Message::Line(Box::new(Line::Unpolled(line.clone())));
    !matches!(output.try_send(line), Err(TrySendError::Full(_)))
}

/// How often the workers of a runtime have come to be between two polls; 0 while no hook has told of a poll of theirs, and so
/// none would tell of a first one.
fn done(runtime: &Runtime, watches: &[Watch]) -> u64 {
    let one_thread = runtime.is_current_thread();
    let of_it = |watch: &&Watch| match one_thread {
        true => watch.runtime_id() == runtime.id,
        false => watch.is_worker_of(runtime.id),
    };
    let (mut polls, mut parks, mut polling) = (0, 0, false);
    for watch in watches.iter().filter(of_it) {
        let cell = watch.registered.cell;
        polls += cell.rows().map(|(_, row)| row.polls).sum::<u64>() + cell.unplaced().polls;
        parks += cell.parks();
        polling |= cell.read().is_some_and(|open| open.task != 0);
    }
    if polls > 0 || polling { polls + parks + 1 } else { 0 }
}

/// What has run so far.
fn busy() -> Busy {
    recorder::tasks().into_iter().map(|tasks| (tasks.location, (tasks.row.polls, tasks.row.total))).collect()
}

/// What ran while a task waited: the polls that are over, and those that go on.
fn instead(seen: &Seen, around: Around<'_>) -> Vec<Instead> {
    let mut ran: BTreeMap<String, Instead> = BTreeMap::new();
    let mut add = |location: &Location<'_>, polls, busy_ns| {
        let ran = ran.entry(location.to_string()).or_default();
        (ran.polls, ran.busy_ns) = (ran.polls + polls, ran.busy_ns + busy_ns);
    };
    if let Some(before) = &seen.busy {
        for (location, (polls, ticks)) in busy() {
            let (polls_before, ticks_before) = before.get(location).copied().unwrap_or_default();
            add(location, polls - polls_before, ticks_to_ns(ticks - ticks_before));
        }
    }
    for watch in around.watches.iter().filter(|watch| watch.runtime_id() == seen.runtime) {
        let cell = watch.registered.cell;
        let Some((open, location)) = cell.read().and_then(|open| Some((open, open.location?))) else {
            continue;
        };
        let start_ns = cell.start(open).map_or(around.now_ns, clock::tick_to_at_ns);
        add(location, 1, around.now_ns.saturating_sub(start_ns.max(seen.since_ns)));
    }
    let told = ran.into_iter().map(|(spawned_at, ran)| Instead { spawned_at, ..ran });
    let mut told: Vec<Instead> = told.filter(|ran| ran.busy_ns > 0).collect();
    told.sort_by_key(|ran| std::cmp::Reverse(ran.busy_ns));
    told.truncate(INSTEAD);
    told
}
