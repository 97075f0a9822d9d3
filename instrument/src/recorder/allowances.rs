//! For how long a thread was under what its code allows itself.

use super::cell::Open;
use super::sync::{AtomicU64, fence, size};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Spells that are kept. Those of one poll and one line are one, so that more are needed by a poll with more such lines alone.
const ROOM: usize = size(32, 1);
/// How often a reader tries again while the thread writes, which takes it some nanoseconds unless it is not run meanwhile.
const TRIES: usize = size(100, 1);

/// What a thread is in: a poll, or, where no hook tells of polls, the time between two parks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope(u64);

impl Scope {
    /// Records of mode full have odd numbers, and those of mode lean the highest bit.
    pub(crate) fn of_record(open: Open) -> Self {
        Self(open.version)
    }

    /// The time since a thread has parked for the last time; how often it has.
    pub(crate) fn since_park(parks: u64) -> Self {
        Self((parks << 1) & !Open::LEAN)
    }

    fn is_poll(self) -> bool {
        self.0 & (Open::LEAN | 1) != 0
    }
}

/// A time that is allowed, or, of one poll and one line, all such times together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Who allows it, as a number.
    pub(crate) site: u64,
    /// When the first began and the last ended, in ticks.
    first: u64,
    last: u64,
    /// Their lengths added up, in ticks.
    sum: u64,
}

impl Spell {
    /// How much of it lies in a time, in ticks; of several together at least so much.
    pub(crate) fn within(self, start: u64, end: u64) -> u64 {
        let outside = start.saturating_sub(self.first).saturating_add(self.last.saturating_sub(end));
        self.sum.saturating_sub(outside)
    }
}

/// What a thread was allowed in one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// Changes with each allowance that begins or ends.
    pub(crate) version: u64,
    /// Who allows what the thread is at now, and since which tick.
    pub(crate) open: Option<(u64, u64)>,
    /// What is over.
    pub(crate) spells: Vec<Spell>,
}

/// One writer, the thread; anybody reads. A seqlock: the thread never waits, and who reads while it writes tries again.
#[derive(Debug)]
pub(crate) struct Allowances {
    /// Odd while the thread writes. Relaxed with a release fence before it writes, and release afterwards.
    version: AtomicU64,
    /// When the one that is open began, in ticks; 0 for none.
    since: AtomicU64,
    scope: AtomicU64,
    site: AtomicU64,
    /// Spells that were ever begun; the last ones are kept.
    count: AtomicU64,
    slots: [Slot; ROOM],
}

#[derive(Debug)]
struct Slot {
    scope: AtomicU64,
    site: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
    sum: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self {
            scope: AtomicU64::new(0),
            site: AtomicU64::new(0),
            first: AtomicU64::new(0),
            last: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }
}

impl Allowances {
    pub(crate) const fn new() -> Self {
        Self {
            version: AtomicU64::new(0),
            since: AtomicU64::new(0),
            scope: AtomicU64::new(0),
            site: AtomicU64::new(0),
            count: AtomicU64::new(0),
            slots: [const { Slot::new() }; ROOM],
        }
    }

    /// From this tick on the thread is allowed what it does; an allowance of a poll that is over ends.
    pub(crate) fn begin(&self, scope: Scope, site: u64, now: u64) {
        if self.since.load(Relaxed) != 0 {
            self.end(now);
        }
        self.write(|| {
            self.since.store(now, Relaxed);
            self.scope.store(scope.0, Relaxed);
            self.site.store(site, Relaxed);
        });
    }

    /// Until this tick it was.
    pub(crate) fn end(&self, now: u64) {
        let (since, site) = (self.since.load(Relaxed), self.site.load(Relaxed));
        let scope = Scope(self.scope.load(Relaxed));
        let length = now.saturating_sub(since);
        self.write(|| {
            self.since.store(0, Relaxed);
            if let Some(slot) = self.slot_of(scope, site) {
                slot.last.store(now, Relaxed);
                slot.sum.store(slot.sum.load(Relaxed).saturating_add(length), Relaxed);
                return;
            }
            let count = self.count.load(Relaxed);
            let slot = &self.slots[count as usize % ROOM];
            slot.scope.store(scope.0, Relaxed);
            slot.site.store(site, Relaxed);
            slot.first.store(since, Relaxed);
            slot.last.store(now, Relaxed);
            slot.sum.store(length, Relaxed);
            self.count.store(count.wrapping_add(1), Relaxed);
        });
    }

    /// What was allowed in a scope; none while it cannot be read.
    pub(crate) fn read(&self, scope: Scope) -> Option<Allowed> {
        (0..TRIES).find_map(|_| self.try_read(scope))
    }

    fn try_read(&self, scope: Scope) -> Option<Allowed> {
        let version = self.version.load(Acquire);
        if version % 2 == 1 {
            return None;
        }
        let since = self.since.load(Relaxed);
        let open =
            (since != 0 && self.scope.load(Relaxed) == scope.0).then(|| (self.site.load(Relaxed), since));
        let kept = (self.count.load(Relaxed) as usize).min(ROOM);
        let of_scope = self.slots[..kept].iter().filter(|slot| slot.scope.load(Relaxed) == scope.0);
        let spells = of_scope.map(Slot::read).collect();
        // The loads above must not be done after the check below.
        fence(Acquire);
        (self.version.load(Relaxed) == version).then_some(Allowed { version, open, spells })
    }

    /// The spell of a poll that another one of the same line goes on with.
    fn slot_of(&self, scope: Scope, site: u64) -> Option<&Slot> {
        let count = self.count.load(Relaxed) as usize;
        let newest = (1..=count.min(ROOM)).map(|back| &self.slots[count.wrapping_sub(back) % ROOM]);
        let mut of_scope = newest.take_while(|slot| slot.scope.load(Relaxed) == scope.0);
        of_scope.find(|slot| scope.is_poll() && slot.site.load(Relaxed) == site)
    }

    fn write(&self, change: impl FnOnce()) {
        let version = self.version.load(Relaxed);
        self.version.store(version.wrapping_add(1), Relaxed);
        // What is written must not be seen before the odd number.
        fence(Release);
        change();
        self.version.store(version.wrapping_add(2), Release);
    }
}

impl Slot {
    fn read(&self) -> Spell {
        Spell {
            site: self.site.load(Relaxed),
            first: self.first.load(Relaxed),
            last: self.last.load(Relaxed),
            sum: self.sum.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Scope = Scope(7);

    fn spells(allowances: &Allowances, scope: Scope) -> Vec<(u64, u64)> {
        let allowed = allowances.read(scope).expect("nobody writes");
        allowed.spells.iter().map(|spell| (spell.site, spell.within(0, u64::MAX))).collect()
    }

    #[test]
    fn of_one_poll_and_line_there_is_one_spell_however_often_it_is_allowed() {
        let allowances = Allowances::new();
        for turn in 0..1000 {
            for site in [1, 2] {
                let begin = turn * 100 + site * 10;
                allowances.begin(POLL, site, begin);
                allowances.end(begin + site);
            }
        }
        assert_eq!(spells(&allowances, POLL), [(1, 1000), (2, 2000)]);
        assert_eq!(spells(&allowances, Scope(9)), []);
    }

    #[test]
    fn only_the_part_in_the_time_asked_for_counts() {
        let spell = Spell { site: 1, first: 10, last: 30, sum: 20 };
        assert_eq!(
            [(0, 99), (15, 99), (0, 25), (15, 25), (30, 99)].map(|(a, b)| spell.within(a, b)),
            [20, 15, 15, 10, 0]
        );
        let two = Spell { site: 1, first: 10, last: 30, sum: 4 };
        assert_eq!(
            [(0, 99), (12, 99), (20, 99)].map(|(a, b)| two.within(a, b)),
            [4, 2, 0],
            "at least so much"
        );
    }

    #[test]
    fn between_parks_each_one_is_told_apart_and_the_oldest_make_room() {
        let (allowances, between) = (Allowances::new(), Scope::since_park(3));
        for turn in 1..=ROOM as u64 + 5 {
            allowances.begin(between, 1, turn * 10);
            allowances.end(turn * 10 + 1);
        }
        assert_eq!(spells(&allowances, between).len(), ROOM);
        allowances.begin(between, 2, 5000);
        let now = allowances.read(between).expect("nobody writes");
        assert_eq!(now.open, Some((2, 5000)));
        assert_eq!(allowances.read(Scope::since_park(4)).expect("nobody writes").open, None);
    }
}
