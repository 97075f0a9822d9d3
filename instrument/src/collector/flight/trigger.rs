use stallscope_wire::{
    Cause, Header, Lag, Line, Phase, PoolWait, Snapshot, Sockets, Stall, counted, duration::show,
};
use std::collections::VecDeque;

/// So many tasks for each worker in a runtime's queues, at two looks in a row, set a recording off.
const QUEUED: u64 = 1_000;
/// Incidents that are remembered, so that each counts once.
const REMEMBERED: usize = 256;

/// What sets a recording off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incident {
    Stall(u64),
    /// New work waited, and no single stall explains it; by runtime and time.
    Lag(u64, u64),
    Pool(u64),
    /// Tasks wait in a runtime's queues; its id, and since when.
    Queue(u64, u64),
    /// Connections wait to be accepted; since when.
    Backlog(u64),
}

/// Looks for incidents.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    /// The newest, and whether each is over.
    known: VecDeque<(Incident, bool)>,
    /// Where the newest stalls are, by their ids: their last lines do not say it again.
    places: VecDeque<(u64, String)>,
    /// Told of for the first time by the line that was looked at last.
    news: bool,
    /// Runtimes whose queues were long at the last look, and since when.
    long: Vec<(u64, u64)>,
    /// Since when an accept queue is more than half full.
    backlog: Option<u64>,
}

impl Triggers {
    /// The incident that a line tells of, and in words what it is.
    pub(super) fn look(&mut self, line: &Line, header: &Header) -> Option<(Incident, String)> {
        let (incident, over, words) = match line {
            Line::Stall(stall) => self.stall(stall, header)?,
            Line::Lag(lag) => lag_of(lag, header)?,
            Line::Pool(wait) => pool(wait),
            Line::Snapshot(snapshot) => self.queues(snapshot)?,
            Line::Socket(sockets) => self.accept(sockets)?,
            _ => return None,
        };
        match self.known.iter_mut().find(|(known, _)| *known == incident) {
            Some((_, is_over)) => {
                *is_over |= over;
                self.news = false;
            }
            None => {
                self.known.truncate(REMEMBERED - 1);
                self.known.push_front((incident, over));
                self.news = true;
            }
        }
        Some((incident, words))
    }

    /// Whether the line that was looked at last was the first that told of this one.
    pub(super) fn is_news(&self, incident: &Incident) -> bool {
        self.news && self.known.front().is_some_and(|(newest, _)| newest == incident)
    }

    /// Whether it is known to be over.
    pub(super) fn is_over(&self, incident: &Incident) -> bool {
        self.known.iter().any(|(known, over)| known == incident && *over)
    }

    /// None of what the code allows itself, nor of what the machine did: that is known of a stall that goes on only
    /// provisionally, and its last line settles it. Nor a first line without names: they show whether it is one.
    fn stall(&mut self, stall: &Stall, header: &Header) -> Option<(Incident, bool, String)> {
        let incident = Incident::Stall(stall.id);
        let over = stall.phase == Phase::End;
        let known = self.known.iter().any(|(known, _)| *known == incident);
        let none = stall.cause == Cause::Host || stall.is_allowed(header.threshold_ns);
        let vague = none || (stall.phase == Phase::Begin && is_unnamed(stall));
        if stall.phase == Phase::Dismissed || (vague && !known) {
            return None;
        }
        if let Some(place) = culprit(stall) {
            self.places.retain(|(known, _)| *known != stall.id);
            self.places.truncate(REMEMBERED - 1);
            self.places.push_front((stall.id, place));
        }
        let place =
            self.places.iter().find(|(known, _)| *known == stall.id).map(|(_, place)| format!(" at {place}"));
        let spawned = || stall.task.as_ref().map(|task| format!(" in a task spawned at {}", task.spawned_at));
        let at = place.or_else(spawned).unwrap_or_default();
        let so_far = if over { "" } else { " so far" };
        Some((incident, over, format!("a stall of {}{so_far}{at}", show(stall.duration_ns))))
    }

    fn queues(&mut self, snapshot: &Snapshot) -> Option<(Incident, bool, String)> {
        let depth = |runtime: &stallscope_wire::Runtime| runtime.injection_queue + runtime.local_queues;
        let long = |runtime: &&stallscope_wire::Runtime| {
            depth(runtime) >= QUEUED.saturating_mul(u64::from(runtime.workers.max(1)))
        };
        let before = std::mem::take(&mut self.long);
        let since = |id: u64| before.iter().find(|(known, _)| *known == id).map(|&(_, since_ns)| since_ns);
        let now = snapshot.runtimes.iter().filter(long);
        self.long = now.clone().map(|it| (it.id, since(it.id).unwrap_or(snapshot.at_ns))).collect();
        let (runtime, since_ns) = now.filter_map(|it| since(it.id).map(|since_ns| (it, since_ns))).next()?;
        let tasks = counted(depth(runtime), "task");
        Some((
            Incident::Queue(runtime.id, since_ns),
            false,
            format!("{tasks} in the queues of runtime {}", runtime.id),
        ))
    }

    fn accept(&mut self, sockets: &Sockets) -> Option<(Incident, bool, String)> {
        let full = sockets.sockets.iter().find(|socket| {
            socket.state == "LISTEN" && socket.send_queue > 0 && socket.receive_queue > socket.send_queue / 2
        });
        let Some(listener) = full else {
            self.backlog = None;
            return None;
        };
        let since_ns = *self.backlog.get_or_insert(sockets.at_ns);
        // Full at one look, it may be empty at the next: clients come in bursts.
        (since_ns < sockets.at_ns).then(|| {
            let (waiting, limit) = (counted(listener.receive_queue, "connection"), listener.send_queue);
            let words = format!("{waiting} of {limit} not accepted at {}", listener.local);
            (Incident::Backlog(since_ns), false, words)
        })
    }
}

/// The line that blocks, or the function where no line is known.
fn culprit(stall: &Stall) -> Option<String> {
    let frame = stall.stack.as_ref().filter(|stack| !stack.allowed)?.culprit_frame()?;
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        _ => frame.function.clone(),
    }
}

fn is_unnamed(stall: &Stall) -> bool {
    let frames = stall.stack.as_ref().map_or(&[][..], |stack| &stack.frames);
    !frames.is_empty() && frames.iter().all(|frame| frame.function.is_none() && frame.file.is_none())
}

/// The incident is that of the stall that explains it, where one does.
fn lag_of(lag: &Lag, header: &Header) -> Option<(Incident, bool, String)> {
    if lag.attributable_ns <= header.lag_limit_ns {
        return None;
    }
    let began_ns = lag.at_ns.saturating_sub(lag.wait_ns);
    // The same wait is told again with a little other figures.
    let (incident, over) = match lag.stalls.first() {
        // Another worker may take new work again while the stall goes on.
        Some(stall) => (Incident::Stall(*stall), false),
        None => (Incident::Lag(lag.runtime, began_ns / 1_000_000_000), !lag.ongoing),
    };
    let so_far = if lag.ongoing { " so far" } else { "" };
    Some((incident, over, format!("new work waited {}{so_far}", show(lag.wait_ns))))
}

fn pool(wait: &PoolWait) -> (Incident, bool, String) {
    let jobs = counted(wait.waiting, "job");
    (
        Incident::Pool(wait.id),
        !wait.ongoing,
        format!("{jobs} waited {} for the blocking pool", show(wait.wait_ns)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::{Frame, Runtime, Socket, Stack};

    const MS: u64 = 1_000_000;

    fn header() -> Header {
        Header { lag_limit_ns: 100 * MS, ..Header::default() }
    }

    fn stall(id: u64, phase: Phase, cause: Cause) -> Line {
        Line::Stall(Stall { id, phase, cause, duration_ns: 200 * MS, ..Stall::default() })
    }

    fn looks(triggers: &mut Triggers, line: &Line) -> Option<(Incident, bool)> {
        let (incident, _) = triggers.look(line, &header())?;
        Some((incident, triggers.is_news(&incident)))
    }

    #[test]
    fn a_stall_is_news_once_and_over_at_its_end() {
        let mut triggers = Triggers::default();
        assert_eq!(
            looks(&mut triggers, &stall(1, Phase::Begin, Cause::Cpu)),
            Some((Incident::Stall(1), true))
        );
        assert!(!triggers.is_over(&Incident::Stall(1)));
        assert_eq!(
            looks(&mut triggers, &stall(1, Phase::End, Cause::Cpu)),
            Some((Incident::Stall(1), false))
        );
        assert!(triggers.is_over(&Incident::Stall(1)));
    }

    #[test]
    fn where_a_stall_was_is_known_at_its_end_too() {
        let mut triggers = Triggers::default();
        let Line::Stall(mut begun) = stall(1, Phase::Begin, Cause::Cpu) else { panic!("it is one") };
        let frame = Frame { file: Some("src/a.rs".into()), line: Some(7), ..Frame::default() };
        begun.stack = Some(Stack { frames: vec![frame], culprit: Some(0), ..Stack::default() });
        let words = |told: Option<(Incident, String)>| told.map(|(_, words)| words);
        let begun = words(triggers.look(&Line::Stall(begun), &header()));
        assert_eq!(begun.as_deref(), Some("a stall of 200ms so far at src/a.rs:7"));
        let ended = words(triggers.look(&stall(1, Phase::End, Cause::Cpu), &header()));
        assert_eq!(ended.as_deref(), Some("a stall of 200ms at src/a.rs:7"));
    }

    #[test]
    fn what_the_machine_did_is_none_of_it() {
        let mut triggers = Triggers::default();
        assert_eq!(looks(&mut triggers, &stall(1, Phase::Begin, Cause::Host)), None);
        let settled = looks(&mut triggers, &stall(1, Phase::End, Cause::Cpu));
        assert_eq!(settled, Some((Incident::Stall(1), true)), "the code after all");
        assert_eq!(looks(&mut triggers, &stall(2, Phase::Dismissed, Cause::Cpu)), None);
        let paused = Lag { wait_ns: 300 * MS, attributable_ns: 5 * MS, ..Lag::default() };
        assert_eq!(looks(&mut triggers, &Line::Lag(paused)), None);
    }

    #[test]
    fn a_first_line_without_names_is_not_believed() {
        let mut triggers = Triggers::default();
        let Line::Stall(mut draft) = stall(1, Phase::Begin, Cause::Cpu) else { panic!("it is one") };
        let mut stack = Stack { frames: vec![Frame { offset: 7, ..Frame::default() }], ..Stack::default() };
        draft.stack = Some(stack.clone());
        assert_eq!(looks(&mut triggers, &Line::Stall(draft.clone())), None);
        stack.frames[0].function = Some("app::render".into());
        draft.stack = Some(stack);
        assert_eq!(looks(&mut triggers, &Line::Stall(draft)), Some((Incident::Stall(1), true)));
    }

    #[test]
    fn a_lag_behind_a_stall_is_the_stalls() {
        let mut triggers = Triggers::default();
        looks(&mut triggers, &stall(7, Phase::Begin, Cause::Cpu));
        let lag = Lag { wait_ns: 300 * MS, attributable_ns: 300 * MS, stalls: vec![7], ..Lag::default() };
        assert_eq!(looks(&mut triggers, &Line::Lag(lag.clone())), Some((Incident::Stall(7), false)));
        assert!(!triggers.is_over(&Incident::Stall(7)), "new work is taken again, and the stall goes on");
        looks(&mut triggers, &stall(7, Phase::End, Cause::Cpu));
        looks(&mut triggers, &Line::Lag(lag.clone()));
        assert!(triggers.is_over(&Incident::Stall(7)), "what is told of it later changes nothing");
        let alone = Lag { stalls: Vec::new(), ..lag };
        assert!(matches!(looks(&mut triggers, &Line::Lag(alone)), Some((Incident::Lag(0, _), true))));
    }

    #[test]
    fn queues_must_be_long_twice() {
        let mut triggers = Triggers::default();
        let told = |at_ns, injection_queue| {
            let runtime = Runtime { id: 3, workers: 2, injection_queue, ..Runtime::default() };
            Line::Snapshot(Snapshot { at_ns, runtimes: vec![runtime], ..Snapshot::default() })
        };
        let mut look = |at_ns, depth| looks(&mut triggers, &told(at_ns, depth));
        assert_eq!(look(1, 5_000), None);
        assert_eq!(look(2, 10), None);
        assert_eq!(look(3, 2_000), None);
        assert_eq!(look(4, 2_000), Some((Incident::Queue(3, 3), true)));
        assert_eq!(look(5, 9_000), Some((Incident::Queue(3, 3), false)), "still the same");
        assert_eq!(look(6, 1_999), None);
    }

    #[test]
    fn an_accept_queue_must_be_full_twice() {
        let mut triggers = Triggers::default();
        let told = |at_ns, receive_queue| {
            let state = "LISTEN".to_owned();
            let sockets = vec![Socket { state, receive_queue, send_queue: 128, ..Socket::default() }];
            Line::Socket(Sockets { at_ns, sockets, ..Sockets::default() })
        };
        assert_eq!(looks(&mut triggers, &told(1, 100)), None);
        assert_eq!(looks(&mut triggers, &told(2, 100)), Some((Incident::Backlog(1), true)));
        assert_eq!(looks(&mut triggers, &told(3, 10)), None);
        assert_eq!(looks(&mut triggers, &told(4, 65)), None);
    }
}
