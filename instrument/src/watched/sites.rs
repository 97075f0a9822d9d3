//! The lines that make watched futures, in a table of fixed size.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, PoisonError};

/// Lines that are told apart; the futures of all others are counted together. A power of two.
const SITES: usize = 1024;
/// How many sites are tried for a line.
const PROBES: usize = 32;

/// Set where the site's line has no function. No text lies at this address.
const NO_FUNCTION: usize = 1;

static PROCESS: Sites = Sites::new();
/// Sites at which a future was dropped without one poll.
static NEWS: AtomicU64 = AtomicU64::new(0);

/// Where a future is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) location: &'static Location<'static>,
    /// The function that makes it, where an attribute told.
    pub(super) function: Option<&'static str>,
}

impl Origin {
    fn key(self) -> (usize, usize) {
        let function = self.function.map_or(NO_FUNCTION, |function| function.as_ptr().addr());
        (ptr::from_ref(self.location).addr(), function)
    }
}

/// What became of the futures of one line. Written by every thread.
#[derive(Debug)]
pub(super) struct Site {
    /// The address of the location; 0 while the site is free. Whoever puts it there in place of 0 has the site.
    location: AtomicUsize,
    /// The address of the function's name; 0 until `origin` is written.
    function: AtomicUsize,
    /// Locked by who has taken the site, before anybody else can know it, and for reading afterwards: hardly anybody waits.
    origin: Mutex<Option<Origin>>,
    polled: AtomicU64,
    unpolled: AtomicU64,
    cancelled: AtomicU64,
    excused: AtomicU64,
}

impl Site {
    const fn new() -> Self {
        Self {
            location: AtomicUsize::new(0),
            function: AtomicUsize::new(0),
            origin: Mutex::new(None),
            polled: AtomicU64::new(0),
            unpolled: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            excused: AtomicU64::new(0),
        }
    }

    /// Which line it is; none of the site that others share.
    pub(super) fn origin(&self) -> Option<Origin> {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A future is polled for the first time.
    pub(super) fn count_polled(&self) {
        self.polled.fetch_add(1, Relaxed);
    }

    /// A polled future is dropped before it was ready.
    pub(super) fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Relaxed);
    }

    /// A future is dropped without one poll, and what dropped it says nothing of the code.
    pub(super) fn count_excused(&self) {
        self.excused.fetch_add(1, Relaxed);
    }

    /// A future is dropped without one poll; whether it is the site's first.
    pub(super) fn count_unpolled(&self) -> bool {
        let first = self.unpolled.fetch_add(1, Relaxed) == 0;
        if first {
            NEWS.fetch_add(1, Relaxed);
        }
        first
    }

    /// Every future of the site.
    fn futures(&self) -> u64 {
        self.polled.load(Relaxed) + self.unpolled.load(Relaxed) + self.excused.load(Relaxed)
    }

    fn read(&self, origin: Option<Origin>) -> Option<stallscope_wire::Watched> {
        (self.futures() > 0).then(|| stallscope_wire::Watched {
            created_at: origin.map(|origin| origin.location.to_string()).unwrap_or_default(),
            function: origin.and_then(|origin| origin.function).map(str::to_owned),
            polled: self.polled.load(Relaxed),
            unpolled: self.unpolled.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            excused: self.excused.load(Relaxed),
        })
    }
}

#[derive(Debug)]
struct Sites {
    sites: [Site; SITES],
    /// For the lines that find no room.
    other: Site,
    taken: AtomicUsize,
}

impl Sites {
    const fn new() -> Self {
        Self { sites: [const { Site::new() }; SITES], other: Site::new(), taken: AtomicUsize::new(0) }
    }

    /// Where the futures of a line are counted. Never waits: while another thread takes a site for the same line, this one
    /// takes a second one, and the reader adds them up.
    fn find(&self, origin: Origin) -> &Site {
        let (location, function) = origin.key();
        // Fibonacci hashing: the high bits of the product depend on all bits of the addresses.
        let mixed = (location ^ function.rotate_left(17)) as u64;
        let hash = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SITES.ilog2());
        for probe in 0..PROBES {
            let site = &self.sites[(hash as usize + probe) & (SITES - 1)];
            let known = site.location.load(Relaxed);
            if known == location && site.function.load(Relaxed) == function {
                return site;
            }
            if known == 0 && site.location.compare_exchange(0, location, Relaxed, Relaxed).is_ok() {
                *site.origin.lock().unwrap_or_else(PoisonError::into_inner) = Some(origin);
                site.function.store(function, Release);
                self.taken.fetch_add(1, Relaxed);
                return site;
            }
        }
        &self.other
    }

    /// What became of the futures of each line, in the order of the lines; those that found no room as one without a line.
    fn read(&self) -> Vec<stallscope_wire::Watched> {
        if self.taken.load(Relaxed) == 0 {
            return Vec::new();
        }
        let known = self
            .sites
            .iter()
            .filter(|site| site.function.load(Acquire) != 0)
            .filter_map(|site| site.read(site.origin()));
        let mut lines: Vec<_> = known.chain(self.other.read(None)).collect();
        lines.sort_by(|a, b| (&a.created_at, &a.function).cmp(&(&b.created_at, &b.function)));
        // Two compilation units may hold one location twice.
        lines.dedup_by(|next, first| {
            let same = (&next.created_at, &next.function) == (&first.created_at, &first.function);
            if same {
                first.add(next);
            }
            same
        });
        lines
    }
}

/// Where the futures of a line are counted in this process.
pub(super) fn find(origin: Origin) -> &'static Site {
    PROCESS.find(origin)
}

/// What became of the watched futures of this process, by line.
pub(crate) fn read() -> Vec<stallscope_wire::Watched> {
    PROCESS.read()
}

/// Grows with each line that drops a future without one poll for the first time.
pub(crate) fn news() -> u64 {
    NEWS.load(Relaxed)
}

/// Watched futures whose line found no room.
pub(crate) fn unplaced() -> u64 {
    PROCESS.other.futures()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn origin(column: u32) -> Origin {
        // Locations differ by their address alone; what they say does not matter.
        let location: &'static Location<'static> = Box::leak(Box::new(*Location::caller()));
        let function: &'static str = Box::leak(format!("made_by_{column}").into_boxed_str());
        Origin { location, function: Some(function) }
    }

    #[test]
    fn futures_whose_line_finds_no_room_are_counted_together() {
        let sites: &'static Sites = Box::leak(Box::new(Sites::new()));
        for column in 0..4 * SITES as u32 {
            let origin = origin(column);
            for _ in 0..2 {
                sites.find(origin).count_polled();
            }
        }
        let lines = sites.read();
        let [other, known @ ..] = &lines[..] else { panic!("nothing was counted") };
        assert_eq!(other.created_at, "");
        assert!(known.iter().all(|line| line.polled == 2 && !line.created_at.is_empty()));
        assert!(known.len() > SITES / 2, "the table is used before futures are counted together");
        assert_eq!(other.polled + 2 * known.len() as u64, 8 * SITES as u64);
    }

    #[test]
    fn threads_that_meet_at_a_line_lose_nothing() {
        let sites: &'static Sites = Box::leak(Box::new(Sites::new()));
        let origins: Vec<Origin> = (0..50).map(origin).collect();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for origin in origins.iter().cycle().take(5_000) {
                        sites.find(*origin).count_unpolled();
                    }
                });
            }
        });
        let lines = sites.read();
        assert_eq!(lines.len(), 50);
        assert!(lines.iter().all(|line| line.unpolled == 800), "{lines:#?}");
    }

    #[test]
    fn one_line_that_two_functions_make_futures_at_is_two() {
        let sites: &'static Sites = Box::leak(Box::new(Sites::new()));
        let location = Location::caller();
        for function in [None, Some("app::load"), Some("app::save")] {
            sites.find(Origin { location, function }).count_polled();
        }
        let functions: Vec<_> = sites.read().into_iter().map(|line| line.function).collect();
        assert_eq!(functions, [None, Some("app::load".to_owned()), Some("app::save".to_owned())]);
    }
}
