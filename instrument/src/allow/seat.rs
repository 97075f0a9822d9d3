//! Which thread is allowed what: for whoever finds it blocked.

use super::site;
use crate::clock;
use crate::engine::{self, lock};
use crate::recorder::{Allowances, Allowed, Scope};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, ThreadId};

/// Seats of threads that are gone and that are kept as they are: the last stall of a thread may be told of after its end.
const SPARE: usize = 64;

/// Those of threads that are gone come first, in the order in which they went.
static SEATS: Mutex<Vec<Seat>> = Mutex::new(Vec::new());
/// Whether there are any.
static ANY: AtomicBool = AtomicBool::new(false);

/// A thread's allowances, which are never freed: those of a thread that is gone are used again.
#[derive(Debug)]
struct Seat {
    thread: ThreadId,
    gone: bool,
    allowances: &'static Allowances,
}

thread_local! {
    static MINE: Cell<Option<&'static Allowances>> = const { Cell::new(None) };
    /// Gives the seat back when the thread ends; touched only when it is taken.
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

struct Lease(&'static Allowances);

impl Drop for Lease {
    fn drop(&mut self) {
        // What is allowed later still in this thread's destructors is not told of.
        let _ = MINE.try_with(|mine| mine.set(None));
        if engine::engine().is_none() {
            // A fork took the memory, and with it locks that nobody will ever give back.
            return;
        }
        let mut seats = lock(&SEATS);
        if let Some(at) = seats.iter().position(|seat| ptr::eq(seat.allowances, self.0)) {
            let gone = seats.remove(at);
            let behind = seats.partition_point(|seat| seat.gone);
            seats.insert(behind, Seat { gone: true, ..gone });
        }
    }
}

/// The calling thread's.
pub(super) fn mine() -> Option<&'static Allowances> {
    // Inaccessible only while the thread ends.
    MINE.try_with(Cell::get).ok()?.or_else(take)
}

#[cold]
fn take() -> Option<&'static Allowances> {
    engine::engine()?;
    let lease = |lease: &RefCell<Option<Lease>>| {
        let mut lease = lease.try_borrow_mut().ok()?;
        let mut seats = lock(&SEATS);
        let reused = (seats.partition_point(|seat| seat.gone) > SPARE).then(|| seats.remove(0).allowances);
        let allowances = reused.unwrap_or_else(|| Box::leak(Box::new(Allowances::new())));
        seats.push(Seat { thread: thread::current().id(), gone: false, allowances });
        ANY.store(true, Relaxed);
        *lease = Some(Lease(allowances));
        Some(allowances)
    };
    let allowances = LEASE.try_with(lease).ok()??;
    MINE.try_with(|mine| mine.set(Some(allowances))).ok()?;
    Some(allowances)
}

/// Whether any thread was ever allowed anything.
pub(crate) fn any() -> bool {
    ANY.load(Relaxed)
}

/// What a thread was allowed in a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Under {
    allowed: Allowed,
}

impl Under {
    /// Changes with each allowance that begins or ends; and whether the thread is under one now.
    pub(crate) fn position(&self) -> (u64, bool) {
        (self.allowed.version, self.allowed.open.is_some())
    }

    /// What was allowed from one tick to the other, with the line that most of it is due to.
    pub(crate) fn within(&self, start: u64, end: u64) -> Option<stallscope_wire::Allowed> {
        let open = self.allowed.open.map(|(site, since)| (site, end.saturating_sub(since.max(start))));
        let over = self.allowed.spells.iter().map(|spell| (spell.site, spell.within(start, end)));
        let mut sites: Vec<(u64, u64)> = Vec::new();
        for (site, ticks) in over.chain(open).filter(|&(_, ticks)| ticks > 0) {
            match sites.iter_mut().find(|(known, _)| *known == site) {
                Some((_, sum)) => *sum = sum.saturating_add(ticks),
                None => sites.push((site, ticks)),
            }
        }
        let &(most, _) = sites.iter().max_by_key(|(_, ticks)| *ticks)?;
        let total = sites.iter().map(|&(_, ticks)| ticks).fold(0, u64::saturating_add);
        let site = site::numbered(most);
        Some(stallscope_wire::Allowed {
            ns: clock::ticks_to_ns(total.min(end.saturating_sub(start))),
            ongoing: self.allowed.open.is_some(),
            reason: site.map(|site| site.reason.to_owned()).unwrap_or_default(),
            at: site.map(|site| site.location.to_string()).unwrap_or_default(),
        })
    }
}

/// What a thread, which may be gone, was allowed in a scope; none while that cannot be read.
pub(crate) fn look(thread: Option<ThreadId>, scope: Scope) -> Option<Under> {
    let seats = lock(&SEATS);
    let allowances = seats.iter().rfind(|seat| Some(seat.thread) == thread).map(|seat| seat.allowances);
    drop(seats);
    let allowed = allowances.map_or_else(|| Some(Allowed::default()), |allowances| allowances.read(scope));
    allowed.map(|allowed| Under { allowed })
}
