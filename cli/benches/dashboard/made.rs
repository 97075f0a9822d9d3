//! Made-up processes: the lines that one would write.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use stallscope_wire::{
    Cause, Certainty, Coverage, End, Evidence, Frame, Handler, Handlers, Header, Histogram, Lag, LagState,
    Line, Location, Owner, Phase, Polling, Quality, Runtime, Serving, Snapshot, Socket, SocketGroup, Sockets,
    Spent, Stack, Stall, Task, Thread, Tier, Victims, Waits, Worker, WorkerState,
};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// How much of everything there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) locations: u64,
    pub(crate) sockets: u64,
    pub(crate) workers: u64,
    pub(crate) routes: u64,
    /// Lines of code that block, and how many stalls there are in all each second.
    pub(crate) culprits: u64,
    pub(crate) stalls_a_second: u64,
    /// Snapshots a second: four of a live process, two in a log.
    pub(crate) snapshots_a_second: u64,
}

/// The largest process that the dashboard is made for.
pub(crate) const HUGE: Size = Size {
    locations: 5_000,
    sockets: 10_000,
    workers: 64,
    routes: 100,
    culprits: 40,
    stalls_a_second: 2,
    snapshots_a_second: 4,
};

/// A service that has trouble.
pub(crate) const SERVICE: Size = Size {
    locations: 60,
    sockets: 300,
    workers: 8,
    routes: 25,
    culprits: 12,
    stalls_a_second: 2,
    snapshots_a_second: 2,
};

/// A process whose lines are made second by second.
#[derive(Debug)]
pub(crate) struct Made {
    size: Size,
    random: SmallRng,
    seconds: u64,
    stalls: u64,
    /// What the locations and routes have done so far.
    locations: Vec<Location>,
    handlers: Vec<Handler>,
    lag: Histogram,
}

impl Made {
    pub(crate) fn new(size: Size) -> Self {
        let location = |at: u64| Location {
            spawned_at: format!("crates/service-{}/src/{}/session.rs:{}:9", at % 37, at % 11, 20 + at),
            spawned: 3,
            ..Location::default()
        };
        let handler =
            |at: u64| Handler { route: format!("GET /accounts/{{id}}/part-{at}"), ..Handler::default() };
        Self {
            size,
            random: SmallRng::seed_from_u64(6),
            seconds: 0,
            stalls: 0,
            locations: (0..size.locations).map(location).collect(),
            handlers: (0..size.routes).map(handler).collect(),
            lag: Histogram::default(),
        }
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            pid: 4242,
            exe: "/srv/bin/shop-api".into(),
            command: vec!["shop-api".into()],
            started_unix_ns: 1_800_000_000 * SECOND,
            tier: Tier::Exact,
            threshold_ns: 100 * MS,
            lag_limit_ns: 100 * MS,
            probe_interval_ns: 20 * MS,
            leak_window_ns: 30 * SECOND,
            close_wait_ns: 10 * SECOND,
            coverage: Coverage::whole(),
            cpus: 64,
            ..Header::default()
        }
    }

    /// What it writes in its next second, in order.
    pub(crate) fn second(&mut self) -> Vec<Line> {
        let begun_ns = self.seconds * SECOND;
        self.seconds += 1;
        self.work();
        let mut lines = Vec::new();
        for part in 0..self.size.snapshots_a_second {
            let at_ns = begun_ns + (part + 1) * SECOND / self.size.snapshots_a_second;
            let last = part + 1 == self.size.snapshots_a_second;
            lines.push(Line::Snapshot(self.snapshot(at_ns, last)));
            lines.push(Line::Handler(Handlers {
                at_ns,
                handlers: self.handlers.clone(),
                ..Handlers::default()
            }));
        }
        lines.push(Line::Socket(self.sockets(begun_ns + SECOND)));
        for nth in 0..self.size.stalls_a_second {
            self.stall(begun_ns + SECOND * nth / self.size.stalls_a_second, &mut lines);
        }
        lines.sort_by_key(at_ns);
        lines
    }

    /// The end mark.
    pub(crate) fn end(&self) -> Line {
        Line::End(End { at_ns: self.seconds * SECOND })
    }

    fn work(&mut self) {
        for location in &mut self.locations {
            location.spawned += 1;
            location.finished += 1;
            // Few are as busy as the busiest.
            let polls = if self.random.random_ratio(1, 5) { self.random.random_range(1..200) } else { 1 };
            location.polls += polls;
            let took = Histogram { buckets: vec![(bucket(&mut self.random), polls)], ..Histogram::default() };
            location.poll.merge(&took);
            location.total_ns += polls * 20_000;
            location.max_ns = location.max_ns.max(took.buckets[0].0);
            location.first_poll =
                Waits { count: location.spawned, total_ns: location.spawned * 9_000, max_ns: 80_000 };
            location.last_poll_ns = Some(self.seconds * SECOND);
        }
        for handler in &mut self.handlers {
            let answered = self.random.random_range(1..50);
            handler.in_flight = answered % 7;
            handler.statuses[1] += answered;
            let took =
                Histogram { buckets: vec![(bucket(&mut self.random) * 8, answered)], ..Histogram::default() };
            handler.latency.merge(&took);
            handler.latency.max_ns = handler.latency.max_ns.max(took.buckets[0].0);
            handler.spent = Spent {
                own_ns: handler.statuses[1] * 40_000,
                behind_ns: handler.statuses[1] * 9_000,
                awaiting_ns: handler.statuses[1] * 900_000,
            };
        }
        self.lag.merge(&Histogram { buckets: vec![(bucket(&mut self.random), 50)], ..Histogram::default() });
    }

    fn snapshot(&mut self, at_ns: u64, whole: bool) -> Snapshot {
        let worker = |index: u64| Worker {
            runtime: 1,
            index: Some(index as u32),
            thread: "tokio-runtime-worker".into(),
            tid: 100 + index as i32,
            state: if index.is_multiple_of(3) { WorkerState::Polling } else { WorkerState::Parked },
            polling: index.is_multiple_of(3).then(|| Polling {
                task: Some(index),
                spawned_at: Some(self.locations[index as usize % self.locations.len()].spawned_at.clone()),
                for_ns: 14_000,
            }),
            polls: at_ns / 50_000,
            busy_ns: at_ns / 3,
            busy_permille: 333,
            ..Worker::default()
        };
        let wait_ns = bucket(&mut self.random);
        Snapshot {
            at_ns,
            runtimes: vec![Runtime {
                id: 1,
                flavor: "multi_thread".into(),
                workers: self.size.workers as u32,
                alive_tasks: self.size.locations * 3,
                ..Runtime::default()
            }],
            workers: (0..self.size.workers).map(worker).collect(),
            poll: self.lag.clone(),
            lag: LagState {
                now_ns: Some(wait_ns),
                window_max_ns: Some(wait_ns),
                histogram: self.lag.clone(),
            },
            locations: if whole { self.locations.clone() } else { Vec::new() },
            ..Snapshot::default()
        }
    }

    /// The instrument tells of no more than 256 sockets and 128 groups, however many there are.
    fn sockets(&mut self, at_ns: u64) -> Sockets {
        let listed = self.size.sockets.min(256);
        let socket = |nth: u64| Socket {
            local: "10.0.0.7:8080".into(),
            peer: Some(format!("10.0.{}.{}:{}", nth / 200, nth % 200, 40_000 + nth)),
            state: "ESTABLISHED".into(),
            receive_queue: nth % 9 * 100,
            age_ns: at_ns,
            in_state_ns: at_ns,
            route: Some(format!("GET /accounts/{{id}}/part-{}", nth % self.size.routes)),
            inode: 1_000 + nth,
            ..Socket::default()
        };
        let groups = self.size.routes.min(128);
        let group = |nth: u64| SocketGroup {
            address: "10.0.0.7:8080".into(),
            incoming: true,
            route: Some(format!("GET /accounts/{{id}}/part-{nth}")),
            open: self.size.sockets / groups + at_ns / SECOND % 3,
            opened: self.size.sockets + at_ns / SECOND,
            closed: self.size.sockets,
            ..SocketGroup::default()
        };
        Sockets {
            at_ns,
            total: self.size.sockets,
            states: [("ESTABLISHED".to_owned(), self.size.sockets)].into(),
            groups: (0..groups).map(group).collect(),
            sockets: (0..listed).map(socket).collect(),
        }
    }

    /// The two lines of a stall that is told at the threshold and at its end, and the lag that it causes.
    fn stall(&mut self, started_ns: u64, lines: &mut Vec<Line>) {
        self.stalls += 1;
        let lasted_ns = self.random.random_range(120 * MS..400 * MS);
        let culprit = self.random.random_range(0..self.size.culprits);
        let worker = self.stalls % self.size.workers;
        let stall = |phase, duration_ns, stack| Stall {
            id: self.stalls,
            at_ns: started_ns + duration_ns,
            phase,
            started_ns,
            duration_ns,
            attributable_ns: duration_ns,
            thread: Thread {
                runtime: 1,
                worker: Some(worker as u32),
                name: "tokio-runtime-worker".into(),
                tid: 100 + worker as i32,
            },
            owner: Owner::Task,
            task: Some(Task {
                id: self.stalls,
                spawned_at: self.locations[culprit as usize].spawned_at.clone(),
            }),
            certainty: Certainty::Exact,
            cause: Cause::Syscall,
            syscall: Some("clock_nanosleep".into()),
            evidence: Evidence { window_ns: duration_ns, blocked_ns: duration_ns, ..Evidence::default() },
            stack,
            serving: Some(Serving { route: format!("GET /accounts/{{id}}/part-{culprit}"), id: None }),
            victims: Victims { tasks: 3, sockets: Some(2), delay_ns: duration_ns, ..Victims::default() },
            ..Stall::default()
        };
        lines.push(Line::Stall(stall(Phase::Begin, 100 * MS, Some(stack(culprit)))));
        lines.push(Line::Stall(stall(Phase::End, lasted_ns, None)));
        lines.push(Line::Lag(Lag {
            at_ns: started_ns + lasted_ns,
            runtime: 1,
            wait_ns: lasted_ns,
            attributable_ns: lasted_ns,
            stalls: vec![self.stalls],
            ..Lag::default()
        }));
    }
}

/// A log of about so many bytes.
pub(crate) fn log(size: Size, bytes: usize) -> Vec<u8> {
    let mut made = Made::new(size);
    let mut text = Line::Header(made.header()).encode();
    while text.len() < bytes {
        text.extend(made.second().iter().flat_map(Line::encode));
    }
    text.extend(made.end().encode());
    text
}

fn at_ns(line: &Line) -> u64 {
    match line {
        Line::Snapshot(snapshot) => snapshot.at_ns,
        Line::Handler(handlers) => handlers.at_ns,
        Line::Socket(sockets) => sockets.at_ns,
        Line::Stall(stall) => stall.at_ns,
        Line::Lag(lag) => lag.at_ns,
        _ => 0,
    }
}

/// The upper bound of a bucket, a quarter of an octave wide, from a microsecond to some milliseconds.
fn bucket(random: &mut SmallRng) -> u64 {
    (1_000.0 * 2_f64.powf(f64::from(random.random_range(0_u32..48)) / 4.0)) as u64
}

fn stack(culprit: u64) -> Stack {
    let frame = |depth: u64| Frame {
        module: Some(0),
        offset: 4_096 * depth + culprit,
        function: Some(format!(
            "shop_api::part_{culprit}::<impl core::future::Future>::step_{depth}::{{{{closure}}}}"
        )),
        file: Some(format!("src/part_{culprit}.rs")),
        line: Some(40 + depth as u32),
        krate: Some("shop_api".into()),
        user: depth > 3,
    };
    Stack {
        quality: Quality::Exact,
        culprit: Some(4),
        frames: (0..25).map(frame).collect(),
        ..Stack::default()
    }
}
