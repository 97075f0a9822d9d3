//! The threads that have a cell.

use super::alarm::ALARM;
use super::allowances::Scope;
use super::cell::{Cell, Open};
#[cfg(tokio_unstable)]
use super::{
    fresh::fresh,
    locations,
    outsiders::outsiders,
    table::{RowAlone, address},
};
use stallscope_wire::Mode;
use std::cell::{Cell as Local, RefCell};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use tokio::runtime::{Handle, worker_index};
#[cfg(tokio_unstable)]
use tokio::task::Id;

/// What is known of a thread, fixed while it owns its cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Thread {
    /// tokio's id of the runtime it works for, as [`runtime_id`] makes it.
    pub(crate) runtime: u64,
    /// Index among the runtime's workers; none for a thread that only runs a root future.
    pub(crate) worker: Option<u32>,
    pub(crate) name: String,
    pub(crate) tid: i32,
    /// The standard library's id of it, as tokio knows it.
    pub(crate) id: Option<ThreadId>,
    /// Lowest address of the stack, and the one behind its highest.
    pub(crate) stack: (u64, u64),
    /// The watchdog finds out what it is at, and writes that into the cell. A thread that polls a root future of ours has a
    /// cell besides, which it writes itself.
    pub(crate) sampled: bool,
    /// When it registered, in nanoseconds since the start, and what the kernel said of its times then: `schedstat`.
    pub(crate) times: (u64, String),
}

/// A cell and the thread that owns it.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) cell: &'static Cell,
    pub(crate) generation: u32,
    pub(crate) thread: Thread,
}

/// Of so many tasks that a thread spawns at a location, one is timed from spawn to first poll: reading the counter for each
/// would be a third of what spawning costs more.
#[cfg(tokio_unstable)]
const TIMED_SPAWNS: u64 = 32;

static REGISTERED: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Where a thread that has no cell of its own looks first: no probe owns it.
static UNOWNED: Cell = Cell::nobodys();

/// Grows with each thread that takes or leaves a cell.
static CHANGES: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Entry {
    cell: &'static Cell,
    /// Who writes the record is fixed for a cell's life.
    sampled: bool,
    /// None when the thread is gone and the cell free.
    thread: Option<Thread>,
    /// The last thread that has left it and was long at something that the watchdog has not heard of.
    left: Option<Registered>,
}

impl Entry {
    /// Leaves the cell to the next thread.
    fn leave(&mut self) {
        let generation = self.cell.generation();
        if self.sampled {
            // The record is the watchdog's, which finds by the generation that the thread is another.
            self.cell.disown();
        } else {
            self.cell.abandon();
        }
        if let Some(thread) = self.thread.take()
            && !self.cell.has_told()
        {
            self.left = Some(Registered { cell: self.cell, generation, thread });
        }
    }
}

thread_local! {
    static MINE: Local<&'static Cell> = const { Local::new(&UNOWNED) };
    /// Gives the cell back when the thread ends; touched only at registration, since a value with a destructor is
    /// slower to reach.
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
    /// The cell that the watchdog writes for this thread, and which of its runtime's workers the thread was then.
    static ENLISTED: Local<(&'static Cell, Option<usize>)> = const { Local::new((&UNOWNED, None)) };
    static ENLISTED_LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

struct Lease(&'static Cell);

impl Drop for Lease {
    fn drop(&mut self) {
        if crate::engine::engine().is_none() {
            // A fork took the memory, and with it locks that nobody will ever give back.
            return;
        }
        // A hook may run later still in this thread's destructors: it must find a cell that no probe owns.
        let _ = MINE.try_with(|mine| ptr::eq(mine.get(), self.0).then(|| mine.set(&UNOWNED)));
        let enlisted = |mine: &Local<_>| {
            let (cell, _): (&'static Cell, Option<usize>) = mine.get();
            ptr::eq(cell, self.0).then(|| mine.set((&UNOWNED, None)))
        };
        let _ = ENLISTED.try_with(enlisted);
        let mut entries = entries();
        if let Some(entry) = entries.iter_mut().find(|entry| ptr::eq(entry.cell, self.0)) {
            entry.leave();
        }
        CHANGES.fetch_add(1, Release);
    }
}

fn entries() -> MutexGuard<'static, Vec<Entry>> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Grows each time that [`registered`] changes.
pub(crate) fn changes() -> u64 {
    CHANGES.load(Acquire)
}

/// All threads that own a cell now.
pub(crate) fn registered() -> Vec<Registered> {
    let live = |entry: &Entry| {
        let thread = entry.thread.clone()?;
        Some(Registered { cell: entry.cell, generation: entry.cell.generation(), thread })
    };
    entries().iter().filter_map(live).collect()
}

/// The threads that have left their cells with something that the watchdog has not heard of; each is told of once.
pub(crate) fn left() -> Vec<Registered> {
    entries().iter_mut().filter_map(|entry| entry.left.take()).collect()
}

/// All cells there ever were, for their totals.
pub(crate) fn cells() -> Vec<&'static Cell> {
    entries().iter().map(|entry| entry.cell).collect()
}

/// tokio's id of a runtime as a number that stays the same while the process lives.
pub(crate) fn runtime_id(handle: &Handle) -> u64 {
    // `Id` shows itself as the number that it is.
    handle.id().to_string().parse().unwrap_or(0)
}

/// Has all threads record in another mode, each from its next hook on.
pub(crate) fn set_mode(mode: Mode) {
    super::mode::set(mode);
    // A thread that registers after this sees the mode.
    for entry in entries().iter() {
        entry.cell.renew();
    }
}

/// The thread enters a poll of a task: closes what it was at.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn begin_poll(probe: u32, task: Id, spawned_at: &'static Location<'static>) {
    // Inaccessible only while the thread ends: nothing is recorded then.
    let Ok(mine) = MINE.try_with(Local::get) else { return };
    let (task, location) = (super::task_bits(task), Some(spawned_at));
    if !mine.begin(probe, task, location) {
        let _ = begin_settled(mine, probe, task, location);
    }
}

/// A location's number, and the thread's row for it, if the thread has a cell.
#[cfg(tokio_unstable)]
#[inline]
fn row_of(location: &'static Location<'static>) -> (usize, Option<RowAlone<'static>>) {
    let location = address(Some(location));
    let Ok(mine) = MINE.try_with(Local::get) else { return (locations::number(location), None) };
    let number = mine.number(location);
    (number, mine.row(number))
}

/// The thread spawns a task, which nobody can poll yet. It may be no thread of a runtime's: it is given no cell for that.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn spawned(probe: u32, task: Id, location: &'static Location<'static>) {
    let (number, row) = row_of(location);
    let before = match row {
        Some(row) => row.spawned(),
        None => outsiders().spawn(number),
    };
    if super::mode::bits() == 0 {
        // The first task of each location and thread is timed.
        let spawned = if before % TIMED_SPAWNS == 0 { crate::clock::ticks() } else { 0 };
        fresh().put(super::task_bits(task), spawned, number, probe);
    }
}

/// A task has ended, or a job of the blocking pool, on this thread.
#[cfg(tokio_unstable)]
#[inline]
pub(crate) fn ended(task: Id, location: &'static Location<'static>) {
    let (number, row) = row_of(location);
    match row {
        Some(row) => row.finished(),
        None => outsiders().finish(number),
    }
    let task = super::task_bits(task);
    if fresh().holds(task) {
        fresh().take(task);
    }
}

/// The poll that was begun last is of a task that waited for this long since it was woken.
#[cfg(all(tokio_unstable, feature = "schedule-latency"))]
pub(crate) fn scheduled(probe: u32, location: &'static Location<'static>, waited: std::time::Duration) {
    if let Ok(mine) = MINE.try_with(Local::get) {
        mine.book_wait(probe, location, waited.as_nanos() as u64);
    }
}

/// The thread begins something that is no task: a root future's poll (`location` given), or the runtime's own work. Before
/// it the thread was parked, or out of the runtime: the watchdog may sleep.
pub(crate) fn begin_other(probe: u32, location: Option<&'static Location<'static>>) {
    let Ok(mine) = MINE.try_with(Local::get) else { return };
    let begun = mine.begin(probe, 0, location).then_some(mine);
    if let Some(mine) = begun.or_else(|| begin_settled(mine, probe, 0, location)) {
        mine.count_begun();
    }
    ALARM.ring_if_asleep();
}

/// The thread has finished what it was at, and parks or leaves the runtime.
pub(crate) fn finish(probe: u32) {
    let Ok(mine) = MINE.try_with(Local::get) else { return };
    if !mine.park(probe)
        && let Some(mine) = settle(mine, probe)
    {
        mine.park(probe);
    }
}

/// The thread stops, or has left its runtime. It is not given a cell for that: threads of the blocking pool stop too.
pub(crate) fn retire(probe: u32) {
    if let Ok(mine) = MINE.try_with(Local::get)
        && mine.owned_by(probe)
    {
        mine.close();
    }
}

/// What the thread is at, where a hook told.
pub(crate) fn own_record() -> Option<Open> {
    MINE.try_with(Local::get).ok()?.read()
}

/// What the thread is in, as far as it can tell: a poll, or the time since it parked.
pub(crate) fn own_scope() -> Scope {
    let parks = || Scope::since_park(enlisted().map_or(0, Cell::parks));
    own_record().map_or_else(parks, Scope::of_record)
}

/// Whether what this thread is at for a runtime is seen, whoever writes it down.
pub(crate) fn is_seen_here(probe: u32) -> bool {
    MINE.try_with(Local::get).is_ok_and(|mine| mine.owned_by(probe)) || enlisted().is_some()
}

/// A long poll of the calling thread.
#[cfg(feature = "http")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnLong {
    /// From when to when, in ticks.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// How often the thread has parked since.
    pub(crate) parks: u64,
}

/// The last long poll of this thread that is over, as far as the thread has heard: it hears of it when it begins the next one,
/// or parks.
#[cfg(feature = "http")]
#[inline]
pub(crate) fn own_long() -> Option<OwnLong> {
    let mine = MINE.try_with(Local::get).ok()?;
    let (start, poll) = mine.last_long()?;
    Some(OwnLong { start, end: poll.end, parks: mine.parks().wrapping_sub(poll.parks) })
}

/// How often this thread has parked, as far as a hook tells.
#[cfg(feature = "http")]
pub(crate) fn own_parks() -> u64 {
    let mine = MINE.try_with(Local::get).map_or(0, Cell::parks);
    mine.wrapping_add(enlisted().map_or(0, Cell::parks))
}

/// The open record shall leave no trace: it is the instrument's own task.
pub(crate) fn cancel() {
    if let Ok(mine) = MINE.try_with(Local::get)
        && !ptr::eq(mine, &raw const UNOWNED)
    {
        mine.cancel();
    }
}

/// Begins in the cell that the thread may write to, and tells which that is.
#[cold]
#[inline(never)]
fn begin_settled(
    mine: &'static Cell,
    probe: u32,
    task: u64,
    location: Option<&'static Location<'static>>,
) -> Option<&'static Cell> {
    settle(mine, probe).filter(|mine| mine.begin(probe, task, location))
}

/// Finds the cell that the thread may write to, in the mode that holds.
fn settle(mine: &'static Cell, probe: u32) -> Option<&'static Cell> {
    if mine.owned_by(probe) {
        mine.adopt(probe);
        return Some(mine);
    }
    register(probe)
}

/// The thread works for a runtime that is watched from outside. Cheap once that is known.
pub(crate) fn enlist(probe: u32) {
    let worker = worker_index();
    // Inaccessible only while the thread ends.
    let Ok((mine, known)) = ENLISTED.try_with(Local::get) else { return };
    // `block_in_place` may make a thread another worker than it was.
    if mine.owned_by(probe) && known == worker {
        return;
    }
    if let Some(mine) = take_cell(probe, true) {
        mine.rise();
        let _ = ENLISTED.try_with(|own| own.set((mine, worker)));
    }
}

/// A thread of a runtime's pool starts. The first ones run the runtime's workers, the others what is given to `spawn_blocking`.
pub(crate) fn enlist_worker(probe: u32) {
    let runtime = || {
        let engine = crate::engine::engine()?;
        engine.find(engine.runtime(probe, &Handle::try_current().ok()?)?)
    };
    if runtime().is_some_and(|runtime| runtime.starts_worker()) {
        enlist(probe);
    }
}

/// A worker that is watched from outside parks. Before its first park it is not known which worker it is.
pub(crate) fn rest(probe: u32) {
    enlist(probe);
    if let Some(mine) = enlisted() {
        mine.rest();
    }
}

/// A worker that is watched from outside was woken: the watchdog may sleep.
pub(crate) fn rise() {
    if let Some(mine) = enlisted() {
        mine.rise();
    }
    ALARM.ring_if_asleep();
}

/// The thread is between two polls, for those who watch it from outside.
pub(crate) fn beat() {
    if let Some(mine) = enlisted() {
        mine.beat();
    }
}

/// Whether the last poll that the thread began is one of this task.
#[cfg(tokio_unstable)]
#[inline]
pub(super) fn polled_last(task: Id) -> bool {
    MINE.try_with(Local::get).is_ok_and(|mine| mine.is_polling(super::task_bits(task)))
}

/// The cell that the watchdog writes for the thread.
fn enlisted() -> Option<&'static Cell> {
    let (mine, _) = ENLISTED.try_with(Local::get).ok()?;
    (!ptr::eq(mine, &raw const UNOWNED)).then_some(mine)
}

/// Gives the thread a cell, or hands the one it has to another probe: a thread may run one runtime after another.
fn register(probe: u32) -> Option<&'static Cell> {
    let mine = take_cell(probe, false)?;
    MINE.try_with(|own| own.set(mine)).ok()?;
    Some(mine)
}

fn take_cell(probe: u32, sampled: bool) -> Option<&'static Cell> {
    // None in a process that was forked off: it has no watchdog, and may lack more.
    let engine = crate::engine::engine()?;
    let runtime = engine.runtime(probe, &Handle::try_current().ok()?)?;
    let thread = Thread {
        runtime,
        worker: worker_index().and_then(|index| u32::try_from(index).ok()),
        name: std::thread::current().name().unwrap_or("unnamed").to_owned(),
        tid: crate::capture::thread::tid(),
        id: Some(std::thread::current().id()),
        stack: crate::capture::thread::stack(),
        sampled,
        times: (crate::clock::now_ns(), crate::capture::thread::schedstat()),
    };
    let runtime = engine.find(runtime)?;
    if let (true, Some(worker)) = (sampled, thread.worker) {
        runtime.show_worker(worker);
    }
    let lease = if sampled { &ENLISTED_LEASE } else { &LEASE };
    lease
        .try_with(|lease| {
            let mut lease = lease.try_borrow_mut().ok()?;
            let mut entries = entries();
            let cell = lease.get_or_insert_with(|| Lease(take_free(&mut entries, sampled))).0;
            if let Some(entry) = entries.iter_mut().find(|entry| ptr::eq(entry.cell, cell)) {
                entry.leave();
                // Before the watchdog has looked at it, the thread may be long at something, and leave.
                cell.set_long_after(crate::clock::ns_to_ticks(runtime.settings.threshold_ns));
                cell.set_owner(probe);
                entry.thread = Some(thread);
            }
            CHANGES.fetch_add(1, Release);
            Some(cell)
        })
        .ok()?
        .inspect(|_| ALARM.ring())
}

fn take_free(entries: &mut Vec<Entry>, sampled: bool) -> &'static Cell {
    if let Some(entry) = entries.iter().find(|entry| entry.thread.is_none() && entry.sampled == sampled) {
        return entry.cell;
    }
    let cell: &'static Cell = Box::leak(Box::new(Cell::new()));
    entries.push(Entry { cell, sampled, thread: None, left: None });
    cell
}
