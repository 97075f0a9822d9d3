use stallscope_wire::{Handler, Handlers, Histogram, Line, Location, Phase, Snapshot, Stall, Waits, Watched};
use std::collections::{HashMap, HashSet};

/// Leaves out of a process's lines what was before a moment: that of the first snapshot that it is shown.
#[derive(Debug, Clone, Default)]
pub struct Since {
    /// What came before the first snapshot.
    waiting: Vec<Line>,
    first: Option<Snapshot>,
    before: Option<Before>,
    handlers: Option<Handlers>,
}

/// What each line had done when the window began.
#[derive(Debug, Clone, Default)]
struct Before {
    locations: HashMap<String, Location>,
    watched: HashMap<(String, Option<String>), Watched>,
}

/// Lists that are not empty are told this often at least, in nanoseconds.
const TOLD_WITHIN_NS: u64 = 2_000_000_000;

impl Since {
    /// What the next line tells of the time from the moment on: none, or several lines.
    #[must_use]
    pub fn pass(&mut self, line: Line) -> Vec<Line> {
        match (line, &self.first) {
            (Line::Snapshot(snapshot), None) => {
                let from_ns = snapshot.at_ns;
                self.first = Some(snapshot.clone());
                let mut lines = self.pass(Line::Snapshot(snapshot));
                lines.extend(self.release(from_ns));
                lines
            }
            (Line::Snapshot(snapshot), Some(first)) => {
                let mut snapshot = since(snapshot, first);
                if !snapshot.locations.is_empty() || !snapshot.watched.is_empty() {
                    let late = snapshot.at_ns.saturating_sub(first.at_ns) > TOLD_WITHIN_NS;
                    let before = self.before.get_or_insert_with(|| {
                        // A list that is told as late as this had nothing in it when the window began.
                        if late { Before::default() } else { Before::of(&snapshot) }
                    });
                    before.leave_out(&mut snapshot);
                }
                vec![Line::Snapshot(snapshot)]
            }
            (Line::Handler(handlers), _) => {
                let first = self.handlers.get_or_insert_with(|| handlers.clone());
                vec![Line::Handler(requests_since(handlers, first))]
            }
            (Line::Earlier(_), _) => Vec::new(),
            // Its end is told late on a busy machine, and who waited behind it in a second line: until then it seemed to go on.
            (Line::Stall(stall), Some(first)) if was_over(&stall, first.at_ns) => {
                vec![Line::Stall(Stall { phase: Phase::Dismissed, ..stall })]
            }
            (line, None) if Told::of(&line).is_some() => {
                self.waiting.push(line);
                Vec::new()
            }
            (line, _) => vec![line],
        }
    }

    /// The moment, in nanoseconds since the process's start; none before the first snapshot.
    #[must_use]
    pub fn at_ns(&self) -> Option<u64> {
        self.first.as_ref().map(|first| first.at_ns)
    }

    /// What waits, but for what had ended by then.
    pub(super) fn release(&mut self, from_ns: u64) -> Vec<Line> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let over = |told: &Told| told.over && told.at_ns <= from_ns;
        let past: HashSet<_> = waiting.iter().filter_map(Told::of).filter(over).map(|told| told.of).collect();
        waiting.retain(|line| Told::of(line).is_none_or(|told| !past.contains(&told.of)));
        waiting
    }
}

fn was_over(stall: &Stall, at_ns: u64) -> bool {
    stall.phase == Phase::End && stall.started_ns.saturating_add(stall.duration_ns) <= at_ns
}

impl Before {
    fn of(snapshot: &Snapshot) -> Self {
        let place = |location: &Location| (location.spawned_at.clone(), location.clone());
        Self {
            locations: snapshot.locations.iter().map(place).collect(),
            watched: snapshot.watched.iter().map(|watched| (maker(watched), watched.clone())).collect(),
        }
    }

    fn leave_out(&self, snapshot: &mut Snapshot) {
        for location in &mut snapshot.locations {
            if let Some(before) = self.locations.get(&location.spawned_at) {
                tasks_since(location, before);
            }
        }
        let seen = |location: &Location| location.polls > 0 || location.spawned > 0 || location.finished > 0;
        snapshot.locations.retain(seen);
        for watched in &mut snapshot.watched {
            if let Some(before) = self.watched.get(&maker(watched)) {
                // That others of the line were polled before is what its unpolled ones are judged by.
                watched.unpolled = watched.unpolled.saturating_sub(before.unpolled);
            }
        }
    }
}

fn maker(watched: &Watched) -> (String, Option<String>) {
    (watched.created_at.clone(), watched.function.clone())
}

/// What a line tells that may have ended before the window.
struct Told {
    of: Event,
    at_ns: u64,
    over: bool,
}

/// What several lines may be about.
#[derive(PartialEq, Eq, Hash)]
enum Event {
    Stall(u64),
    /// No two that are over end at the same time.
    Lag(u64),
    Pause(u64),
    Unpolled(u64),
    Failure(u64),
    Orphan(u64),
    Pool(u64),
}

impl Told {
    /// None of a line that tells a state.
    fn of(line: &Line) -> Option<Self> {
        let (of, at_ns, over) = match line {
            Line::Stall(stall) => (Event::Stall(stall.id), stall.at_ns, stall.phase == Phase::End),
            Line::Lag(lag) => (Event::Lag(lag.at_ns), lag.at_ns, !lag.ongoing),
            Line::Pause(pause) => (Event::Pause(pause.at_ns), pause.at_ns, true),
            Line::Unpolled(unpolled) => (Event::Unpolled(unpolled.task), unpolled.at_ns, !unpolled.ongoing),
            Line::Failure(failure) => (Event::Failure(failure.task), failure.at_ns, true),
            Line::Orphan(orphan) => (Event::Orphan(orphan.task), orphan.at_ns, !orphan.ongoing),
            Line::Pool(wait) => (Event::Pool(wait.id), wait.at_ns, !wait.ongoing),
            _ => return None,
        };
        Some(Self { of, at_ns, over })
    }
}

fn since(mut snapshot: Snapshot, first: &Snapshot) -> Snapshot {
    let lag = &mut snapshot.lag.histogram;
    *lag = grown(lag, &first.lag.histogram);
    snapshot.poll = grown(&snapshot.poll, &first.poll);
    snapshot.schedule = grown(&snapshot.schedule, &first.schedule);
    snapshot.untimed = snapshot.untimed.saturating_sub(first.untimed);
    let startup = &mut snapshot.startup;
    startup.long_polls = startup.long_polls.saturating_sub(first.startup.long_polls);
    snapshot
}

fn tasks_since(location: &mut Location, before: &Location) {
    location.polls = location.polls.saturating_sub(before.polls);
    location.total_ns = location.total_ns.saturating_sub(before.total_ns);
    location.poll = grown(&location.poll, &before.poll);
    // Where no bucket tells, only that none was longer.
    if location.polls == 0 || location.poll.count() > 0 {
        location.max_ns = location.max_ns.min(location.poll.max_ns);
    }
    // Tasks that were alive when the window began count as spawned in it, so that as many are alive as there are.
    location.spawned = location.spawned.saturating_sub(before.finished);
    location.finished = location.finished.saturating_sub(before.finished);
    location.first_poll = waits_since(location.first_poll, &before.first_poll);
    location.schedule = waits_since(location.schedule, &before.schedule);
    location.self_wakes = location.self_wakes.saturating_sub(before.self_wakes);
}

/// The longest within the window is not known, unless it is the longest of all.
fn waits_since(now: Waits, before: &Waits) -> Waits {
    let (count, total_ns) =
        (now.count.saturating_sub(before.count), now.total_ns.saturating_sub(before.total_ns));
    let max_ns = if now.max_ns > before.max_ns { now.max_ns } else { now.max_ns.min(total_ns) };
    Waits { count, total_ns, max_ns }
}

fn requests_since(mut handlers: Handlers, first: &Handlers) -> Handlers {
    for handler in &mut handlers.handlers {
        if let Some(before) = first.handlers.iter().find(|known| known.route == handler.route) {
            handler.latency = grown(&handler.latency, &before.latency);
            for (now, before) in handler.statuses.iter_mut().zip(before.statuses) {
                *now = now.saturating_sub(before);
            }
            for (now, before) in handler.latency_by_status.iter_mut().zip(&before.latency_by_status) {
                *now = grown(now, before);
            }
            handler.dropped = handler.dropped.saturating_sub(before.dropped);
            let (spent, before) = (&mut handler.spent, before.spent);
            spent.own_ns = spent.own_ns.saturating_sub(before.own_ns);
            spent.behind_ns = spent.behind_ns.saturating_sub(before.behind_ns);
            spent.awaiting_ns = spent.awaiting_ns.saturating_sub(before.awaiting_ns);
        }
    }
    let asked = |handler: &Handler| {
        let answered = handler.statuses.iter().any(|&count| count > 0);
        answered || handler.dropped > 0 || handler.in_flight > 0 || handler.latency.count() > 0
    };
    handlers.handlers.retain(asked);
    handlers.slowest.retain(|slow| slow.started_ns.saturating_add(slow.took_ns) > first.at_ns);
    handlers
}

fn grown(now: &Histogram, before: &Histogram) -> Histogram {
    let mut grown = now.since(before);
    if now.max_ns > before.max_ns {
        // The longest of all is one of the window's.
        grown.max_ns = now.max_ns;
    }
    grown
}
