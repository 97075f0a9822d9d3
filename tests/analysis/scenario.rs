//! Processes in a few words. Times are in milliseconds.

use stallscope::analysis::{Finding, History, Judgement, Terms, findings, judge};
use stallscope_wire::{
    Cause, Coverage, End, Frame, Handler, Handlers, Header, Histogram, Lag, LagState, Line, Location, Mode,
    Pause, Phase, Quality, Runtime, Snapshot, SocketGroup, Sockets, Stack, Stall, Startup, Task, Tier,
    Unpolled, Victims,
};

pub(crate) const MS: u64 = 1_000_000;

/// A process that is being told of.
pub(crate) struct Process {
    history: History,
    polls: Histogram,
    lags: Histogram,
    startup: Startup,
    mode: Mode,
    next: u64,
}

/// A process that ran a thousand short polls.
pub(crate) fn process() -> Process {
    let header = Header {
        pid: 7,
        exe: "/app".into(),
        tier: Tier::Exact,
        threshold_ns: 100 * MS,
        lag_limit_ns: 20 * MS,
        probe_interval_ns: 20 * MS,
        leak_window_ns: 30_000 * MS,
        close_wait_ns: 10_000 * MS,
        coverage: Coverage::whole(),
        ..Header::default()
    };
    let polls = times(1000, 10_000);
    Process {
        history: History::new(header),
        polls,
        lags: times(100, 50_000),
        startup: Startup { over: true, ..Startup::default() },
        mode: Mode::Full,
        next: 1,
    }
}

/// A process without task hooks: no poll is counted.
pub(crate) fn sampled() -> Process {
    let exact = process();
    let header = Header { tier: Tier::Sampled, ..exact.history.header().clone() };
    Process { history: History::new(header), polls: Histogram::default(), ..exact }
}

pub(crate) fn times(count: u64, each_ns: u64) -> Histogram {
    Histogram { buckets: vec![(each_ns, count)], max_ns: each_ns, sum_ns: count * each_ns }
}

/// A stall with a stack whose second frame is the culprit.
pub(crate) fn stall(place: &str, ms: u64, cause: Cause) -> Stall {
    let (file, line) = place.rsplit_once(':').expect("file:line");
    let frames = vec![
        Frame { function: Some("libc::call".into()), ..Frame::default() },
        Frame {
            function: Some("app::work".into()),
            file: Some(file.into()),
            line: Some(line.parse().expect("a line")),
            user: true,
            ..Frame::default()
        },
    ];
    Stall {
        phase: Phase::End,
        duration_ns: ms * MS,
        attributable_ns: if cause == Cause::Host { 0 } else { ms * MS },
        cause,
        stack: Some(Stack { quality: Quality::Exact, culprit: Some(1), frames, ..Stack::default() }),
        ..Stall::default()
    }
}

/// What one line had spawned, and how many of these tasks were gone.
pub(crate) fn tasks(spawned_at: &str, spawned: u64, finished: u64) -> Location {
    Location { spawned_at: spawned_at.into(), polls: spawned, spawned, finished, ..Location::default() }
}

/// What was spawned by a time.
pub(crate) fn alive(at_ms: u64, locations: Vec<Location>) -> Snapshot {
    let runtimes = vec![Runtime { id: 1, ..Runtime::default() }];
    Snapshot { at_ns: at_ms * MS, runtimes, locations, ..Snapshot::default() }
}

impl Process {
    /// Its sources lie in this folder.
    pub(crate) fn rooted(self, root: &str) -> Self {
        let header = Header { source_root: Some(root.into()), ..self.history.header().clone() };
        Self { history: History::new(header), ..self }
    }

    /// Each second of these it is told what was spawned by then.
    pub(crate) fn spawns(
        mut self,
        seconds: impl IntoIterator<Item = u64>,
        of: impl Fn(u64) -> Vec<Location>,
    ) -> Self {
        for second in seconds {
            self = self.line(Line::Snapshot(alive(second * 1000, of(second))));
        }
        self
    }

    /// A task waited so long for its first poll.
    pub(crate) fn unpolled(self, unpolled: Unpolled) -> Self {
        self.line(Line::Unpolled(unpolled))
    }

    pub(crate) fn line(mut self, line: Line) -> Self {
        self.history.apply(line);
        self
    }

    /// Adds a stall under an id of its own, and its poll.
    pub(crate) fn stall(mut self, stall: Stall) -> Self {
        let id = self.next;
        self.next += 1;
        if stall.phase == Phase::End {
            self.polls.merge(&times(1, stall.duration_ns));
        }
        self.line(Line::Stall(Stall { id, ..stall }))
    }

    pub(crate) fn blocked(self, place: &str, ms: u64, cause: Cause) -> Self {
        self.stall(stall(place, ms, cause))
    }

    /// A wait that these stalls explain, of which the code answers for a part.
    pub(crate) fn lag(mut self, ms: u64, attributable_ms: u64, stalls: &[u64]) -> Self {
        self.lags.merge(&times(1, ms * MS));
        let stalls = stalls.to_vec();
        let at_ns = self.history.last_at_ns() + ms * MS;
        self.line(Line::Lag(Lag {
            at_ns,
            wait_ns: ms * MS,
            attributable_ns: attributable_ms * MS,
            stalls,
            ..Lag::default()
        }))
    }

    pub(crate) fn pause(self, at_ms: u64, ms: u64) -> Self {
        self.line(Line::Pause(Pause { at_ns: at_ms * MS, gap_ns: ms * MS }))
    }

    /// From now on it records in this mode.
    pub(crate) fn in_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        let at_ns = self.history.last_at_ns();
        self.line(Line::Snapshot(Snapshot { at_ns, mode, ..Snapshot::default() }))
    }

    pub(crate) fn requests(self, routes: &[(&str, u64)]) -> Self {
        let handler = |&(route, ms): &(&str, u64)| Handler {
            route: route.into(),
            latency: times(10, ms * MS),
            ..Handler::default()
        };
        self.line(Line::Handler(Handlers {
            at_ns: 1,
            handlers: routes.iter().map(handler).collect(),
            ..Handlers::default()
        }))
    }

    /// Two polls of up to so long lay in the start-up grace.
    pub(crate) fn started_up(self, ms: u64, over: bool) -> Self {
        Self { startup: Startup { over, long_polls: 2, longest_ns: ms * MS }, ..self }
    }

    /// It was seen no longer than its start-up grace lasts, and nothing was too long by then.
    pub(crate) fn young(self) -> Self {
        Self { startup: Startup::default(), ..self }
    }

    /// Each second of these it is told what is open by then.
    pub(crate) fn connects(
        mut self,
        seconds: impl IntoIterator<Item = u64>,
        of: impl Fn(u64) -> Vec<SocketGroup>,
    ) -> Self {
        for second in seconds {
            let sockets = Sockets { at_ns: second * 1000 * MS, groups: of(second), ..Sockets::default() };
            self = self.line(Line::Socket(sockets));
        }
        self
    }

    /// The process was killed.
    pub(crate) fn killed(mut self) -> History {
        if self.history.sockets().is_none() {
            self = self.line(Line::Socket(Sockets::default()));
        }
        let snapshot = Snapshot {
            at_ns: self.history.last_at_ns(),
            mode: self.mode,
            poll: self.polls.clone(),
            lag: LagState { histogram: self.lags.clone(), ..LagState::default() },
            startup: self.startup,
            ..Snapshot::default()
        };
        self.line(Line::Snapshot(snapshot)).history
    }

    /// The process ended in order.
    pub(crate) fn ended(self) -> History {
        let mut history = self.killed();
        history.apply(Line::End(End { at_ns: history.last_at_ns() }));
        history
    }
}

pub(crate) fn victims(tasks: u64, delay_ms: u64) -> Victims {
    Victims { tasks, sockets: Some(3), delay_ns: delay_ms * MS, ..Victims::default() }
}

pub(crate) fn task(spawned_at: &str) -> Option<Task> {
    Some(Task { id: 3, spawned_at: spawned_at.into() })
}

pub(crate) fn found(history: &History) -> Vec<Finding> {
    findings(&[history])
}

pub(crate) fn judged(expr: &str, history: &History) -> Judgement {
    judge(&Terms::new(vec![expr.parse().unwrap_or_else(|error| panic!("{error}"))]), &[history])
}
