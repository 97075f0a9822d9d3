//! What each thread serves now, and which requests have waited for it: for whoever finds the thread blocked.

use super::id::{LONGEST, RequestId};
use super::routes::Route;
use super::turn;
use crate::capture::thread::tid;
use crate::clock;
use crate::engine::{self, lock};
use stallscope_wire::{RouteVictims, Serving};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, TryLockError};

/// A wait of fewer ticks is that of any busy program: 0.4 ms at 5 GHz, 2 ms of a clock that counts nanoseconds.
pub(super) const LONG: u64 = 1 << 21;
/// Waits that are remembered of a thread: a stall has no more requests behind it, as far as we tell.
const WAITS: usize = 1024;
/// Routes that are told of a stall.
const ROUTES: usize = 8;

static SEATS: Mutex<Vec<&'static Seat>> = Mutex::new(Vec::new());

thread_local! {
    static MINE: Cell<Option<&'static Seat>> = const { Cell::new(None) };
    /// Gives the seat back when the thread ends; touched only when it is taken, since a value with a destructor is slower
    /// to reach.
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

/// One writer, the thread that has it; never freed: one whose thread is gone is used again.
#[derive(Debug)]
struct Seat {
    /// The thread's kernel id; 0 for nobody's.
    tid: AtomicI32,
    /// The tick at which the request below was come to, 0 while the thread is at none. Written by the thread: 0 before it
    /// changes the request, and the tick after. So who reads the same tick before and after has read the request of that visit.
    since: AtomicU64,
    request: Mutex<Request>,
    /// The last waits that ended on this thread, oldest first.
    waits: Mutex<VecDeque<Wait>>,
}

/// By value, so that nothing of a request is kept alive by a seat.
#[derive(Debug)]
struct Request {
    route: Option<&'static Route>,
    /// When it came, in ticks: with the route enough to know it again on one thread.
    started: u64,
    id: [u8; LONGEST],
    length: usize,
}

/// A request that was ready and waited for the thread.
#[derive(Debug, Clone, Copy)]
struct Wait {
    route: &'static Route,
    /// From when to when, in ticks.
    ready: u64,
    polled: u64,
    /// It came to the layer only then: it waited, if it did, in its connection's socket.
    arrived: bool,
}

struct Lease(&'static Seat);

impl Drop for Lease {
    fn drop(&mut self) {
        // A request may be dropped later still in this thread's destructors.
        let _ = MINE.try_with(|mine| mine.set(None));
        self.0.since.store(0, Release);
        self.0.tid.store(0, Release);
    }
}

fn mine() -> Option<&'static Seat> {
    // Inaccessible only while the thread ends.
    MINE.try_with(Cell::get).ok()?.or_else(take)
}

#[cold]
fn take() -> Option<&'static Seat> {
    if engine::is_forked() {
        return None;
    }
    let lease = |lease: &RefCell<Option<Lease>>| {
        let mut lease = lease.try_borrow_mut().ok()?;
        let mut seats = lock(&SEATS);
        let free = seats.iter().copied().find(|seat| seat.tid.load(Acquire) == 0);
        let seat = free.unwrap_or_else(|| {
            let seat: &'static Seat = Box::leak(Box::new(Seat {
                tid: AtomicI32::new(0),
                since: AtomicU64::new(0),
                request: Mutex::new(Request { route: None, started: 0, id: [0; LONGEST], length: 0 }),
                waits: Mutex::default(),
            }));
            seats.push(seat);
            seat
        });
        // What waited for the thread before is nothing that this one was blocked in.
        lock(&seat.waits).clear();
        seat.tid.store(tid(), Release);
        *lease = Some(Lease(seat));
        Some(seat)
    };
    let seat = LEASE.try_with(lease).ok()??;
    MINE.try_with(|mine| mine.set(Some(seat))).ok()?;
    Some(seat)
}

/// While it lives the thread is at a request.
#[must_use]
pub(super) struct Sits {
    seat: Option<&'static Seat>,
    /// What the thread was at around it.
    outer: Option<Box<(u64, Request)>>,
}

/// The thread comes to a request, at this tick.
pub(super) fn sit(route: &'static Route, id: &RequestId, started: u64, now: u64) -> Sits {
    let Some(seat) = mine() else { return Sits { seat: None, outer: None } };
    let outer_since = seat.since.load(Acquire);
    seat.since.store(0, Release);
    // Never waits: should somebody be reading, this visit is not told of.
    let mut request = match seat.request.try_lock() {
        Ok(request) => request,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Sits { seat: None, outer: None },
    };
    let outer = (outer_since != 0).then(|| Box::new((outer_since, request.copy())));
    if !request.is(route, started) {
        request.set(route, id.as_str(), started);
    }
    drop(request);
    seat.since.store(now, Release);
    Sits { seat: Some(seat), outer }
}

impl Drop for Sits {
    fn drop(&mut self) {
        let Some(seat) = self.seat else { return };
        seat.since.store(0, Release);
        let Some((since, outer)) = self.outer.take().map(|outer| *outer) else { return };
        if let Ok(mut request) = seat.request.try_lock() {
            *request = outer;
            drop(request);
            seat.since.store(since, Release);
        }
    }
}

impl Request {
    fn is(&self, route: &'static Route, started: u64) -> bool {
        self.started == started && self.route.is_some_and(|known| std::ptr::eq(known, route))
    }

    fn set(&mut self, route: &'static Route, id: &str, started: u64) {
        (self.route, self.started, self.length) = (Some(route), started, id.len().min(LONGEST));
        self.id[..self.length].copy_from_slice(&id.as_bytes()[..self.length]);
    }

    fn copy(&self) -> Self {
        Self { ..*self }
    }

    fn serving(&self) -> Option<Serving> {
        let id = String::from_utf8_lossy(&self.id[..self.length]);
        Some(Serving { route: self.route?.name(), id: (!id.is_empty()).then(|| id.into_owned()) })
    }
}

/// The request was ready from one tick to the other, and waited for this thread.
#[cold]
pub(super) fn waited(route: &'static Route, ready: u64, polled: u64) {
    keep(Wait { route, ready, polled, arrived: false });
}

/// The request came now, on a thread that could not have taken it since that tick.
#[cold]
pub(super) fn arrived_late(route: &'static Route, since: u64, now: u64) {
    keep(Wait { route, ready: since, polled: now, arrived: true });
}

fn keep(wait: Wait) {
    let Some(seat) = mine() else { return };
    // Never waits: who reads now reads of a stall that is over for a while.
    if let Ok(mut waits) = seat.waits.try_lock() {
        if waits.len() == WAITS {
            waits.pop_front();
        }
        waits.push_back(wait);
    }
}

/// A request has kept the thread for long.
#[cold]
pub(super) fn was_long(start: u64, end: u64) {
    turn::was_long(start, end);
}

fn of_thread(tid: i32) -> Option<&'static Seat> {
    lock(&SEATS).iter().copied().find(|seat| seat.tid.load(Acquire) == tid)
}

/// The request that a thread has been at for at least half of the time since `started_ns`, in nanoseconds since the start.
pub(crate) fn serving(tid: i32, started_ns: u64) -> Option<Serving> {
    let seat = of_thread(tid)?;
    let since = seat.since.load(Acquire);
    // Never waits: the thread may have been put off its processor while it held the lock. The next look asks again.
    let serving = match seat.request.try_lock() {
        Ok(request) => request.serving(),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().serving(),
        Err(TryLockError::WouldBlock) => return None,
    };
    let stayed = since != 0 && seat.since.load(Acquire) == since;
    let now_ns = clock::now_ns();
    let visit_ns = now_ns.saturating_sub(clock::tick_to_at_ns(since));
    serving.filter(|_| stayed && visit_ns >= now_ns.saturating_sub(started_ns) / 2)
}

/// Whether any thread has ever been at a request.
pub(crate) fn any() -> bool {
    !lock(&SEATS).is_empty()
}

/// The routes of the requests that waited behind what a thread was at from `started_ns` to `ended_ns`, most first. Of those
/// that came only afterwards no more than `unread`, the sockets that something had come to, where these are known.
pub(crate) fn behind(tid: i32, started_ns: u64, ended_ns: u64, unread: Option<u64>) -> Vec<RouteVictims> {
    let Some(seat) = of_thread(tid) else { return Vec::new() };
    let waits: Vec<Wait> = lock(&seat.waits).iter().copied().collect();
    let ticks_back = |ns: u64| clock::ns_to_ticks(clock::now_ns().saturating_sub(ns));
    let at = |ns| clock::ticks().saturating_sub(ticks_back(ns));
    routes(&waits, at(started_ns), at(ended_ns), unread)
}

fn routes(waits: &[Wait], started: u64, ended: u64, unread: Option<u64>) -> Vec<RouteVictims> {
    let overlaps = |wait: &&Wait| wait.polled.min(ended).saturating_sub(wait.ready.max(started)) >= LONG;
    let mut room = unread.unwrap_or(u64::MAX);
    let mut counts: Vec<(&'static Route, u64)> = Vec::new();
    for wait in waits.iter().filter(overlaps) {
        if wait.arrived {
            let Some(left) = room.checked_sub(1) else { continue };
            room = left;
        }
        match counts.iter_mut().find(|(route, _)| std::ptr::eq(*route, wait.route)) {
            Some((_, count)) => *count += 1,
            None => counts.push((wait.route, 1)),
        }
    }
    let mut routes: Vec<_> =
        counts.into_iter().map(|(route, requests)| RouteVictims { route: route.name(), requests }).collect();
    routes.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.route.cmp(&b.route)));
    routes.truncate(ROUTES);
    routes
}
