use super::detail::FindingId;
use super::navigation::Opened;
use super::process::Process;
use super::strips::{STRIP, Strip, id_of, id_of_thread};
use super::table::{Cell, Column, Cut, Row, Sign, Table, Tone, Value};
use stallscope::analysis::short_place;
use stallscope_wire::{Runtime, Thread, Worker, WorkerState};

/// The shares and the strip are of the last minute, the counts since the start.
const COLUMNS: [Column; 13] = [
    Column::text("worker", "worker", 0, Cut::End, (6, 20)),
    Column::text("state", "state", 0, Cut::End, (8, 8)),
    Column::figure("for_ns", "for", 1, 8),
    Column::text("at", "at", 1, Cut::Start, (16, 44)),
    Column::text("why", "why", 5, Cut::End, (8, 20)).if_known(),
    Column::text("last_minute", "last minute", 2, Cut::Start, (16, STRIP)).if_known(),
    Column::figure("blocked_ns", "blocked", 3, 9),
    Column::figure("busy_share", "busy %", 3, 8),
    Column::figure("queued", "queued", 4, 8),
    Column::figure("polls", "polls", 6, 8),
    Column::figure("stolen", "stolen", 7, 8).if_known(),
    Column::figure("overflowed", "overflowed", 8, 12).if_known(),
    Column::figure("woken_for_nothing", "idle wakes", 9, 12).if_known(),
];

/// A thread that polls futures, as the dashboard shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerRow {
    /// `0`, or `api/0` when there is more than one runtime; a thread's name when it is no worker.
    pub(crate) name: String,
    pub(crate) doing: Doing,
    pub(crate) polls: u64,
    pub(crate) local_queue: u64,
    /// Tasks taken from others, times it moved half of a full queue away, and was woken with nothing to do, where tokio
    /// tells.
    pub(crate) counts: [Option<u64>; 3],
    /// Its last minute, where anything is known of it.
    pub(crate) strip: Option<Strip>,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doing {
    Parked,
    /// A task by where it was spawned; none for the root future or the runtime's own work.
    Polling {
        spawned_at: Option<String>,
        for_ns: u64,
    },
    /// In a stall: for how long, at which line, and why.
    Blocked {
        for_ns: u64,
        culprit: String,
        why: String,
    },
}

impl Doing {
    /// What one looks for first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Blocked { .. } => 0,
            Self::Polling { .. } => 1,
            Self::Parked => 2,
        }
    }
}

/// All workers in the order of their names. A stall's own line tells earlier than the next snapshot that a worker is
/// blocked, and that it is no more.
pub(crate) fn workers(process: &Process, now_ns: u64) -> Vec<WorkerRow> {
    let snapshot = process.history.snapshot();
    let runtimes = snapshot.map_or(&[][..], |snapshot| &snapshot.runtimes);
    let known = snapshot.map_or(&[][..], |snapshot| &snapshot.workers);
    let blocked: Vec<_> = process.ongoing().collect();
    let in_stall = |tid: i32| blocked.iter().find(|record| record.stall.thread.tid == tid);
    let mut strips = process.strips.minute(process.history.stalls(), now_ns);
    let mut rows: Vec<_> = known
        .iter()
        .map(|worker| WorkerRow {
            name: name(runtimes, worker.runtime, worker.index, &worker.thread),
            doing: match in_stall(worker.tid) {
                Some(record) => process.blocked(record, now_ns),
                None => unblocked(worker),
            },
            polls: worker.polls,
            local_queue: worker.local_queue,
            counts: [worker.steal_count, worker.overflow_count, worker.noop_count],
            strip: strips.remove(&id_of(worker)),
        })
        .collect();
    let unknown =
        blocked.iter().filter(|record| known.iter().all(|worker| worker.tid != record.stall.thread.tid));
    rows.extend(unknown.map(|record| WorkerRow {
        name: thread_name(runtimes, &record.stall.thread),
        doing: process.blocked(record, now_ns),
        polls: 0,
        local_queue: 0,
        counts: [None; 3],
        strip: strips.remove(&id_of_thread(&record.stall.thread)),
    }));
    rows
}

/// All workers, what is blocked among them by their signs.
pub(super) fn table(process: &Process, now_ns: u64) -> Table {
    let rows = workers(process, now_ns).into_iter().map(|worker| row(process, worker)).collect();
    Table::new(&COLUMNS, None, rows)
}

fn row(process: &Process, worker: WorkerRow) -> Row {
    let key = worker.name.clone();
    let (state, tone, for_ns, at, why) = match worker.doing {
        Doing::Parked => ("parked", Tone::Dim, None, None, None),
        Doing::Polling { spawned_at, for_ns } => ("polling", Tone::Plain, Some(for_ns), spawned_at, None),
        Doing::Blocked { for_ns, culprit, why } => {
            ("BLOCKED", Tone::Bad, Some(for_ns), Some(culprit), Some(why))
        }
    };
    let blocked = tone == Tone::Bad;
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Unknown, Value::text);
    let strip = worker.strip.as_ref();
    let blocked_ns = strip.map_or(0, |strip| strip.blocked_ns);
    let signs = strip.map_or(Value::Unknown, |strip| Value::Words(strip.signs(), blocked_ns as f64));
    let busy = strip.and_then(|strip| strip.busy).map(|percent| Value::Share(percent as f64 / 100.0));
    let [stolen, overflowed, idle_wakes] = worker.counts.map(|count| Cell::from(Value::count(count)));
    let loud = if blocked_ns > 0 { Tone::Warning } else { Tone::Dim };
    let cells = vec![
        Value::Text(worker.name).into(),
        Cell::from(Value::text(state)).tone(tone),
        Cell::from(Value::time(for_ns)).tone(if blocked { Tone::Bad } else { Tone::Dim }),
        Cell::from(text(&at)).tone(if blocked { Tone::Strong } else { Tone::Dim }),
        text(&why).into(),
        Cell::from(signs).tone(Tone::Strip),
        Cell::from(Value::time(Some(blocked_ns).filter(|&ns| ns > 0))).tone(loud),
        busy.unwrap_or(Value::Unknown).into(),
        Value::Count(worker.local_queue).into(),
        Value::Count(worker.polls).into(),
        stolen,
        overflowed,
        idle_wakes,
    ];
    let accused = at.filter(|_| blocked);
    let finding = accused.and_then(|at| {
        process.findings.iter().find(|finding| finding.ongoing && finding.culprit.to_string() == at)
    });
    let row = Row::new(key, cells).with(if blocked { Sign::Accused } else { Sign::None });
    match finding {
        Some(finding) => row.opening(Opened::Finding(FindingId::of(finding))),
        None => row,
    }
}

fn unblocked(worker: &Worker) -> Doing {
    match worker.state {
        WorkerState::Parked => Doing::Parked,
        _ => {
            let polling = worker.polling.as_ref();
            Doing::Polling {
                spawned_at: polling.and_then(|polling| {
                    polling.spawned_at.as_deref().map(|place| short_place(place).to_owned())
                }),
                for_ns: polling.map_or(0, |polling| polling.for_ns),
            }
        }
    }
}

/// How a thread is called in a table of workers.
pub(crate) fn thread_name(runtimes: &[Runtime], thread: &Thread) -> String {
    name(runtimes, thread.runtime, thread.worker, &thread.name)
}

fn name(runtimes: &[Runtime], runtime: u64, index: Option<u32>, thread: &str) -> String {
    let Some(index) = index else {
        return if thread.is_empty() { "?".to_owned() } else { thread.to_owned() };
    };
    if runtimes.len() < 2 {
        return index.to_string();
    }
    let named = runtimes.iter().find(|known| known.id == runtime).and_then(|known| known.name.as_deref());
    named.map_or_else(|| format!("rt{runtime}/{index}"), |named| format!("{named}/{index}"))
}
