//! Spawn locations whose tasks only grow in number.
//!
//! The leak window is looked at in six parts, and of each part the moment counts at which fewest tasks were alive: what comes
//! and goes is not alive then. A location leaks when, over the whole window, these minima grow from part to part, when it grew
//! by [`FEWEST`] tasks at least, and when fewer than half as many ended as were spawned. So a wave that takes shorter than
//! the window is no leak, nor is a warm-up that levels off, nor a line whose level follows the load: its tasks end.
//!
//! What was taken for a leak is one no more when half of what it grew by is gone again, or when it has not grown over a
//! later window though tasks were spawned. Tasks that end because their runtime is shut down do not count as gone.
//!
//! A part takes a sixth of the window, or longer where locations are told less often. No fewer than [`FEWEST_PARTS`] are
//! judged.

use stallscope_wire::{Location, Snapshot};
use std::collections::{HashMap, VecDeque};

/// How many parts the window has.
const PARTS: u64 = 6;
/// As many beginnings of parts as the window can lie between.
const KEPT: usize = PARTS as usize + 1;
/// Fewer parts than this prove no trend.
const FEWEST_PARTS: usize = 4;
/// Growth by fewer tasks than this is no leak.
const FEWEST: u64 = 8;
/// Of more locations than this, the later ones are not followed.
const LIMIT: usize = 16_384;
/// The window of a process that does not tell its own, in nanoseconds.
const USUAL_WINDOW_NS: u64 = 30_000_000_000;

/// How the number of tasks of each spawn location develops. Its size depends on the number of locations alone.
#[derive(Debug, Clone)]
pub(in super::super) struct Growth {
    window_ns: u64,
    /// When the latest parts began, oldest first: at most [`KEPT`].
    begins: VecDeque<u64>,
    sites: HashMap<String, Site>,
    /// Locations that found no room.
    unfollowed: u64,
    /// The runtimes that lived at the last look.
    runtimes: Vec<u64>,
}

/// One spawn location.
#[derive(Debug, Clone, Default)]
struct Site {
    /// Of the latest parts, when fewest were alive; the newest last, none from before the location was first seen.
    parts: VecDeque<Tally>,
    leak: Option<Leak>,
}

/// The tasks of a location at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    spawned: u64,
    finished: u64,
}

/// A location whose tasks only grew in number.
#[derive(Debug, Clone)]
pub(in super::super) struct Leak {
    from_ns: u64,
    from: Tally,
    to_ns: u64,
    to: Tally,
    /// Since when half of it is gone.
    fell_ns: Option<u64>,
    /// Its runtime was shut down: nothing more will come.
    settled: bool,
}

impl Tally {
    fn of(location: &Location) -> Self {
        Self { spawned: location.spawned, finished: location.finished }
    }

    fn alive(self) -> u64 {
        self.spawned.saturating_sub(self.finished)
    }
}

impl Leak {
    /// When it began to grow, in nanoseconds since the start.
    pub(in super::super) fn began_ns(&self) -> u64 {
        self.from_ns
    }

    /// For how long it was seen to grow, in nanoseconds.
    pub(in super::super) fn grown_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// All tasks of the location that were alive at last.
    pub(in super::super) fn alive(&self) -> u64 {
        self.to.alive()
    }

    /// Tasks that were spawned while it grew.
    pub(in super::super) fn spawned(&self) -> u64 {
        self.to.spawned.saturating_sub(self.from.spawned)
    }

    /// Tasks that ended while it grew.
    pub(in super::super) fn finished(&self) -> u64 {
        self.to.finished.saturating_sub(self.from.finished)
    }

    /// Whether its tasks still lived when it was last looked at.
    pub(in super::super) fn is_ongoing(&self) -> bool {
        !self.settled && self.fell_ns.is_none()
    }

    /// Takes in what is alive now; whether it is still a leak.
    fn stands(&mut self, now: Tally, at_ns: u64, patience_ns: u64, shut_down: bool) -> bool {
        if self.settled {
            return true;
        }
        let before = self.from.alive();
        if now.alive() > before + (self.to.alive() - before) / 2 {
            (self.to, self.to_ns, self.fell_ns) = (now, at_ns, None);
            return true;
        }
        // The runtime's end ends all tasks, and is known a little later than that.
        let fell_ns = *self.fell_ns.get_or_insert(at_ns);
        self.settled = shut_down;
        self.settled || at_ns.saturating_sub(fell_ns) < patience_ns
    }
}

impl Growth {
    pub(super) fn new(window_ns: u64) -> Self {
        let window_ns = if window_ns == 0 { USUAL_WINDOW_NS } else { window_ns };
        Self {
            window_ns,
            begins: VecDeque::new(),
            sites: HashMap::new(),
            unfollowed: 0,
            runtimes: Vec::new(),
        }
    }

    /// Takes in the locations of a snapshot that tells them.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        let at_ns = snapshot.at_ns;
        let part_ns = self.window_ns / PARTS;
        let begins = self.begins.back().is_none_or(|&begun| at_ns.saturating_sub(begun) >= part_ns);
        if begins {
            push(&mut self.begins, at_ns);
        }
        let alive = |id: &u64| snapshot.runtimes.iter().any(|runtime| runtime.id == *id);
        let shut_down = !self.runtimes.iter().all(alive);
        self.runtimes = snapshot.runtimes.iter().map(|runtime| runtime.id).collect();
        self.unfollowed = 0;
        for location in &snapshot.locations {
            let now = Tally::of(location);
            let Some(site) = site(&mut self.sites, &location.spawned_at) else {
                self.unfollowed += 1;
                continue;
            };
            match site.parts.back_mut().filter(|_| !begins) {
                Some(least) if least.alive() <= now.alive() => {}
                Some(least) => *least = now,
                None => push(&mut site.parts, now),
            }
            if let Some(leak) = &mut site.leak
                && !leak.stands(now, at_ns, part_ns, shut_down)
            {
                site.leak = None;
            }
            if begins {
                site.judge(&self.begins, self.window_ns);
            }
        }
    }

    /// What leaks, by the location of the spawn.
    pub(in super::super) fn leaks(&self) -> impl Iterator<Item = (&str, &Leak)> {
        self.sites.iter().filter_map(|(place, site)| Some((&place[..], site.leak.as_ref()?)))
    }

    /// Over what time something must grow to be a leak, in nanoseconds.
    pub(in super::super) fn window_ns(&self) -> u64 {
        self.window_ns
    }

    /// Locations of which nothing is known, because there are too many.
    pub(in super::super) fn unfollowed(&self) -> u64 {
        self.unfollowed
    }
}

/// None for one more than can be followed.
fn site<'a>(sites: &'a mut HashMap<String, Site>, place: &str) -> Option<&'a mut Site> {
    if !sites.contains_key(place) {
        if sites.len() >= LIMIT {
            return None;
        }
        sites.insert(place.to_owned(), Site::default());
    }
    sites.get_mut(place)
}

fn push<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(new);
}

impl Site {
    /// Looks back over the window, at the beginning of a part.
    fn judge(&mut self, begins: &VecDeque<u64>, window_ns: u64) {
        let Some((from_ns, to_ns, parts)) = self.window(begins, window_ns) else { return };
        let (first, last) = (parts[0], parts[parts.len() - 1]);
        let grown = last.alive().saturating_sub(first.alive());
        let spawned = last.spawned.saturating_sub(first.spawned);
        let finished = last.finished.saturating_sub(first.finished);
        match &self.leak {
            Some(leak) if leak.settled => {}
            Some(_) if grown == 0 && spawned >= FEWEST => self.leak = None,
            Some(_) => {}
            None => {
                let only_grows = parts.windows(2).all(|two| two[0].alive() < two[1].alive());
                if only_grows && grown >= FEWEST && finished.saturating_mul(2) < spawned {
                    let (from, to) = (first, last);
                    self.leak = Some(Leak { from_ns, from, to_ns, to, fell_ns: None, settled: false });
                }
            }
        }
    }

    /// The latest parts that cover the window, and from when to when they reach.
    fn window(&self, begins: &VecDeque<u64>, window_ns: u64) -> Option<(u64, u64, Vec<Tally>)> {
        let to_ns = *begins.back()?;
        let covering = |&count: &usize| to_ns.saturating_sub(begins[begins.len() - count]) >= window_ns;
        let count = (FEWEST_PARTS..=self.parts.len().min(begins.len())).find(covering)?;
        let parts = self.parts.iter().skip(self.parts.len() - count).copied().collect();
        Some((begins[begins.len() - count], to_ns, parts))
    }
}
