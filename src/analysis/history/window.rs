use super::History;
use stallscope_wire::{Handlers, Header, Histogram, Line, Phase, Snapshot, Watched};
use std::collections::HashSet;

/// A process that is looked at from a moment on. A live process tells of what was before too; here that is left out, so
/// that only what happened within the window is judged. It begins with the first snapshot.
#[derive(Debug, Clone)]
pub struct Window {
    history: History,
    /// What came before the first snapshot.
    waiting: Vec<Line>,
    first: Option<Snapshot>,
    handlers: Option<Handlers>,
}

impl Window {
    /// Of this process nothing is known yet.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self { history: History::new(header), waiting: Vec::new(), first: None, handlers: None }
    }

    /// Takes in the next line.
    pub fn apply(&mut self, line: Line) {
        match (line, &self.first) {
            (Line::Snapshot(snapshot), None) => {
                let from_ns = snapshot.at_ns;
                self.first = Some(snapshot.clone());
                self.history.first_at_ns = from_ns;
                self.apply(Line::Snapshot(snapshot));
                self.release_from(from_ns);
            }
            (Line::Snapshot(snapshot), Some(first)) => {
                self.history.apply(Line::Snapshot(since(snapshot, first)));
            }
            (Line::Handler(handlers), _) => {
                let first = self.handlers.get_or_insert_with(|| handlers.clone());
                let handlers = requests_since(handlers, first);
                self.history.apply(Line::Handler(handlers));
            }
            (line @ (Line::Stall(_) | Line::Lag(_) | Line::Pause(_)), None) => self.waiting.push(line),
            (line, _) => self.history.apply(line),
        }
    }

    /// What was seen.
    #[must_use]
    pub fn into_history(mut self) -> History {
        // Without a snapshot nobody knows when the window began: what has ended may lie before it.
        self.release_from(u64::MAX);
        self.history
    }

    /// Takes in what waits, but for what had ended by then.
    fn release_from(&mut self, from_ns: u64) {
        let waiting = std::mem::take(&mut self.waiting);
        let ended = waiting.iter().filter_map(|line| match line {
            Line::Stall(stall) if stall.phase == Phase::End && stall.at_ns <= from_ns => Some(stall.id),
            _ => None,
        });
        let ended: HashSet<u64> = ended.collect();
        for line in waiting {
            let past = match &line {
                Line::Stall(stall) => ended.contains(&stall.id),
                Line::Lag(lag) => !lag.ongoing && lag.at_ns <= from_ns,
                Line::Pause(pause) => pause.at_ns <= from_ns,
                _ => false,
            };
            if !past {
                self.history.apply(line);
            }
        }
    }
}

fn since(mut snapshot: Snapshot, first: &Snapshot) -> Snapshot {
    let lag = &mut snapshot.lag.histogram;
    *lag = grown(lag, &first.lag.histogram);
    snapshot.poll = grown(&snapshot.poll, &first.poll);
    snapshot.untimed = snapshot.untimed.saturating_sub(first.untimed);
    for location in &mut snapshot.locations {
        let Some(before) = first.locations.iter().find(|known| known.spawned_at == location.spawned_at)
        else {
            continue;
        };
        location.polls = location.polls.saturating_sub(before.polls);
        location.total_ns = location.total_ns.saturating_sub(before.total_ns);
    }
    for line in &mut snapshot.watched {
        let same =
            |known: &&Watched| (&known.created_at, &known.function) == (&line.created_at, &line.function);
        if let Some(before) = first.watched.iter().find(same) {
            // That others of the line were polled before is what its unpolled ones are judged by.
            line.unpolled = line.unpolled.saturating_sub(before.unpolled);
        }
    }
    let startup = &mut snapshot.startup;
    startup.long_polls = startup.long_polls.saturating_sub(first.startup.long_polls);
    // How long the longest poll of a location within the window was is not known; of one without any it is no matter.
    snapshot.locations.retain(|location| location.polls > 0);
    snapshot
}

fn requests_since(mut handlers: Handlers, first: &Handlers) -> Handlers {
    for handler in &mut handlers.handlers {
        if let Some(before) = first.handlers.iter().find(|known| known.route == handler.route) {
            handler.latency = grown(&handler.latency, &before.latency);
        }
    }
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
