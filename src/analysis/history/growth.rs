//! Things whose number only grows: the tasks of a spawn location, the connections of a group.
//!
//! The leak window is looked at in six parts, and of each part the moment counts at which fewest were there: what comes
//! and goes is not there then. Something leaks when, over the whole window, these minima grow from part to part, when it grew
//! by [`FEWEST`] at least, and when fewer than half as many ended as began. So a wave that takes shorter than
//! the window is no leak, nor is a warm-up that levels off, nor what follows the load: it ends.
//!
//! What was taken for a leak is one no more when half of what it grew by is gone again, or when it has not grown over a
//! later window; [`Proof`] says whether more must have begun meanwhile. What ends because its runtime is shut down does not count
//! as gone.
//!
//! A part takes a sixth of the window, or longer where it is told less often. No fewer than [`FEWEST_PARTS`] are
//! judged.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How many parts the window has.
const PARTS: u64 = 6;
/// As many beginnings of parts as the window can lie between.
const KEPT: usize = PARTS as usize + 1;
/// Fewer parts than this prove no trend.
const FEWEST_PARTS: usize = 4;
/// Growth by fewer than this is no leak.
const FEWEST: u64 = 8;
/// Of more places than this, the later ones are not followed.
const LIMIT: usize = 16_384;
/// The window of a process that does not tell its own, in nanoseconds.
const USUAL_WINDOW_NS: u64 = 30_000_000_000;

/// How the number of things develops at each place that `K` names. Its size depends on the number of places alone.
#[derive(Debug, Clone)]
pub(in super::super) struct Growth<K> {
    window_ns: u64,
    proof: Proof,
    /// When the latest parts began, oldest first: at most [`KEPT`].
    begins: VecDeque<u64>,
    sites: HashMap<K, Site>,
    /// Places that found no room, at the last look.
    unfollowed: u64,
}

/// What shows that something that grew, and grows no more, is no leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// More has begun meanwhile, and so must have ended: what nobody begins cannot grow.
    Turnover,
    /// That it stands still, as what is kept in readiness does once there is enough of it.
    Standstill,
}

/// One place.
#[derive(Debug, Clone, Default)]
struct Site {
    /// Of the latest parts, when fewest were there; the newest last, none from before the place was first seen.
    parts: VecDeque<Tally>,
    leak: Option<Leak>,
}

/// The things of a place at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) begun: u64,
    pub(super) ended: u64,
}

/// A place whose things only grew in number.
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
    fn alive(self) -> u64 {
        self.begun.saturating_sub(self.ended)
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

    /// All that was there at last.
    pub(in super::super) fn alive(&self) -> u64 {
        self.to.alive()
    }

    /// What began while it grew.
    pub(in super::super) fn begun(&self) -> u64 {
        self.to.begun.saturating_sub(self.from.begun)
    }

    /// What ended while it grew.
    pub(in super::super) fn ended(&self) -> u64 {
        self.to.ended.saturating_sub(self.from.ended)
    }

    /// Whether it was still there when it was last looked at.
    pub(in super::super) fn is_ongoing(&self) -> bool {
        !self.settled && self.fell_ns.is_none()
    }

    /// Takes in what is there now; whether it is still a leak.
    fn stands(&mut self, now: Tally, at_ns: u64, patience_ns: u64, shut_down: bool) -> bool {
        if self.settled {
            return true;
        }
        let before = self.from.alive();
        if now.alive() > before + (self.to.alive() - before) / 2 {
            (self.to, self.to_ns, self.fell_ns) = (now, at_ns, None);
            return true;
        }
        // The runtime's end ends all, and is known a little later than that.
        let fell_ns = *self.fell_ns.get_or_insert(at_ns);
        self.settled = shut_down;
        self.settled || at_ns.saturating_sub(fell_ns) < patience_ns
    }
}

impl<K: Hash + Eq> Growth<K> {
    pub(super) fn new(window_ns: u64, proof: Proof) -> Self {
        let window_ns = if window_ns == 0 { USUAL_WINDOW_NS } else { window_ns };
        Self { window_ns, proof, begins: VecDeque::new(), sites: HashMap::new(), unfollowed: 0 }
    }

    /// Takes in what is there at one time; whether a runtime was shut down since the last look.
    pub(super) fn look<'a, Q>(
        &mut self,
        at_ns: u64,
        shut_down: bool,
        things: impl IntoIterator<Item = (&'a Q, Tally)>,
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized + 'a,
    {
        let part_ns = self.window_ns / PARTS;
        let begins = self.begins.back().is_none_or(|&begun| at_ns.saturating_sub(begun) >= part_ns);
        if begins {
            push(&mut self.begins, at_ns);
        }
        self.unfollowed = 0;
        for (place, now) in things {
            let known = self.sites.len();
            let site = match self.sites.get_mut(place) {
                Some(site) => site,
                None if known < LIMIT => self.sites.entry(place.to_owned()).or_default(),
                None => {
                    self.unfollowed += 1;
                    continue;
                }
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
                site.judge(&self.begins, self.window_ns, self.proof);
            }
        }
    }

    /// What leaks, by its place.
    pub(in super::super) fn leaks(&self) -> impl Iterator<Item = (&K, &Leak)> {
        self.sites.iter().filter_map(|(place, site)| Some((place, site.leak.as_ref()?)))
    }

    /// What leaks at a place.
    pub(in super::super) fn leak(&self, place: &K) -> Option<&Leak> {
        self.sites.get(place)?.leak.as_ref()
    }

    /// Follows a place no more.
    pub(super) fn forget(&mut self, place: &K) {
        self.sites.remove(place);
    }

    /// Over what time something must grow to be a leak, in nanoseconds.
    pub(in super::super) fn window_ns(&self) -> u64 {
        self.window_ns
    }

    /// Places of which nothing is known, because there are too many.
    pub(in super::super) fn unfollowed(&self) -> u64 {
        self.unfollowed
    }
}

fn push<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(new);
}

impl Site {
    /// Looks back over the window, at the beginning of a part.
    fn judge(&mut self, begins: &VecDeque<u64>, window_ns: u64, proof: Proof) {
        let Some((from_ns, to_ns, parts)) = self.window(begins, window_ns) else { return };
        let (first, last) = (parts[0], parts[parts.len() - 1]);
        let grown = last.alive().saturating_sub(first.alive());
        let begun = last.begun.saturating_sub(first.begun);
        let ended = last.ended.saturating_sub(first.ended);
        let proven = proof == Proof::Standstill || begun >= FEWEST;
        match &self.leak {
            // Whether one that fell is withdrawn, is decided a little later.
            Some(leak) if leak.is_ongoing() && grown == 0 && proven => self.leak = None,
            Some(_) => {}
            None => {
                let only_grows = parts.windows(2).all(|two| two[0].alive() < two[1].alive());
                if only_grows && grown >= FEWEST && ended.saturating_mul(2) < begun {
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
