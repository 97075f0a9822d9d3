//! Made-up processes for tests: what one would write on the wire, told in a few words.

mod sockets;
mod stalls;
mod work;

use crate::model::{Key, Model, Msg};
use crate::source::{Ending, Message, Origin};
use stallscope_wire::{
    Cause, Certainty, Coverage, Doing, End, Evidence, Frame, Handler, Handlers, Header, Histogram, LagState,
    Line, Owner, Phase, Polling, Quality, RouteVictims, Runtime, Serving, SlowRequest, Snapshot, Socket,
    Sockets, Spent, Stack, Stall, Step, Task, Thread, Tier, Versions, Victims, Worker, WorkerState,
};
use std::time::Duration;

pub(crate) const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Lines of one process. Time stands at the last line's.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    header: Header,
    pub(crate) lines: Vec<Line>,
    now_ns: u64,
    lag: Histogram,
    requests: u64,
    /// The stall that worker 1 is in.
    stall: Option<u64>,
}

impl Scenario {
    /// A web server of two workers that has just started.
    pub(crate) fn new() -> Self {
        let header = Header {
            pid: 4242,
            exe: "/srv/bin/shop-api".into(),
            command: vec!["shop-api".into()],
            started_unix_ns: 1_800_000_000 * SECOND,
            tier: Tier::Exact,
            threshold_ns: 100 * MS,
            lag_limit_ns: 20 * MS,
            probe_interval_ns: 20 * MS,
            coverage: Coverage::whole(),
            versions: Versions::default(),
            cpus: 2,
            ..Header::default()
        };
        Self { header, lines: Vec::new(), now_ns: 0, lag: Histogram::default(), requests: 0, stall: None }
    }

    /// It takes requests from its readers.
    pub(crate) fn takes_requests(mut self) -> Self {
        self.header.requests = true;
        self
    }

    pub(crate) fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// Time passes, quietly, but for requests.
    pub(crate) fn quiet(mut self, seconds: u64) -> Self {
        for _ in 0..seconds * 2 {
            self.now_ns += SECOND / 2;
            let wait = 80_000 + self.now_ns / SECOND % 7 * 30_000;
            self.snapshot(wait, Some(wait), 0);
        }
        self.handlers();
        self
    }

    fn snapshot(&mut self, wait_ns: u64, longest_ns: Option<u64>, waiting: u64) {
        let wait = Histogram { buckets: vec![(wait_ns, 25)], max_ns: wait_ns, sum_ns: wait_ns * 25 };
        self.lag.merge(&wait);
        let runtime = Runtime {
            id: 1,
            flavor: "multi_thread".into(),
            workers: 2,
            alive_tasks: 12,
            blocking_threads: 3,
            blocking_idle: 1,
            budget_forced_yields: self.now_ns / SECOND * 3,
            busy_permille: (self.now_ns / SECOND % 10 * 37) as u32,
            ..Runtime::default()
        };
        let polling = Polling { task: Some(9), spawned_at: Some("src/main.rs:31:5".into()), for_ns: 14_000 };
        let parked = Worker {
            runtime: 1,
            index: Some(0),
            thread: "tokio-runtime-worker".into(),
            tid: 100,
            polls: self.now_ns / 50_000,
            busy_permille: (self.now_ns / SECOND % 10 * 37) as u32,
            steal_count: Some(self.now_ns / SECOND),
            overflow_count: Some(0),
            noop_count: Some(self.now_ns / SECOND / 3),
            ..Worker::default()
        };
        let worker = Worker {
            index: Some(1),
            tid: 101,
            state: if self.stall.is_some() { WorkerState::Blocked } else { WorkerState::Polling },
            polling: Some(polling),
            stall: self.stall,
            local_queue: waiting,
            ..parked.clone()
        };
        self.lines.push(Line::Snapshot(Snapshot {
            at_ns: self.now_ns,
            runtimes: vec![runtime],
            workers: vec![parked, worker],
            own_cpu_ns: Some(self.now_ns / 400),
            lag: LagState { now_ns: Some(wait_ns), window_max_ns: longest_ns, histogram: self.lag.clone() },
            ..Snapshot::default()
        }));
    }

    fn handlers(&mut self) {
        self.requests = self.now_ns / (SECOND / 120);
        let handler = |route: &str, share: u64, took_ns: u64, failed: u64| Handler {
            route: route.into(),
            in_flight: share % 5,
            statuses: [0, self.requests / share, 0, 0, failed],
            latency: Histogram {
                buckets: vec![
                    (took_ns, self.requests / share),
                    (took_ns * 9, self.requests / share / 50 + 1),
                ],
                max_ns: took_ns * 9,
                sum_ns: 0,
            },
            spent: Spent {
                own_ns: took_ns / 10 * self.requests,
                behind_ns: took_ns / 5 * failed * self.requests,
                awaiting_ns: took_ns / 2 * self.requests,
            },
            ..Handler::default()
        };
        let handlers = vec![
            handler("GET /", 2, 400_000, 0),
            handler("GET /users/{id}", 3, 1_800_000, 2),
            handler("POST /orders", 12, 38 * MS, 0),
        ];
        self.lines.push(Line::Handler(Handlers { at_ns: self.now_ns, handlers, slowest: slowest() }));
    }

    /// The process holds these sockets: a listener and two connections, one of them with unread bytes.
    pub(crate) fn sockets(self, waiting_to_be_accepted: u64) -> Self {
        let socket = |state: &str, peer: Option<&str>, receive_queue, send_queue| Socket {
            local: "127.0.0.1:8080".into(),
            peer: peer.map(str::to_owned),
            state: state.into(),
            receive_queue,
            send_queue,
            inode: 7,
            ..Socket::default()
        };
        let sockets = vec![
            socket("LISTEN", None, waiting_to_be_accepted, 1024),
            socket("ESTABLISHED", Some("127.0.0.1:51234"), 3_276, 0),
            socket("ESTABLISHED", Some("127.0.0.1:51236"), 0, 0),
        ];
        let at_ns = self.now_ns;
        self.line(Line::Socket(Sockets { at_ns, total: 3, sockets, ..Sockets::default() }))
    }

    /// Worker 1 sleeps in a poll, so far for this long; it is told at the threshold and at each doubling.
    pub(crate) fn sleeps(self, id: u64, lasted_ms: u64) -> Self {
        let began_ns = self.now_ns;
        let mut told = self.header.threshold_ns;
        let mut scenario = self;
        while told <= lasted_ms * MS {
            let phase = if told == scenario.header.threshold_ns { Phase::Begin } else { Phase::Progress };
            scenario.lines.push(Line::Stall(stall(id, phase, began_ns, told, Some(sleeping_stack()))));
            told *= 2;
        }
        scenario.now_ns = began_ns + lasted_ms * MS;
        scenario.stall = Some(id);
        scenario.snapshot(lasted_ms * MS - 4 * MS, Some(lasted_ms * MS - 4 * MS), 14);
        scenario
    }

    /// The stall that goes on ends now.
    pub(crate) fn wakes(mut self, id: u64) -> Self {
        let told = self.lines.iter().rev().find_map(|line| match line {
            Line::Stall(stall) if stall.id == id => Some(stall.clone()),
            _ => None,
        });
        let told = told.expect("the stall began");
        self.stall = None;
        let ended = stall(id, Phase::End, told.started_ns, self.now_ns - told.started_ns, None);
        self.lines.push(Line::Stall(Stall {
            thread: told.thread,
            cause: told.cause,
            syscall: told.syscall,
            attributable_ns: ended.duration_ns - (told.duration_ns - told.attributable_ns),
            ..ended
        }));
        self
    }

    /// Worker 0 computes in a poll, for this long.
    pub(crate) fn computes(mut self, id: u64, lasted_ms: u64) -> Self {
        let mut computing = stall(id, Phase::End, self.now_ns, lasted_ms * MS, Some(computing_stack()));
        computing.thread = Thread { worker: Some(0), tid: 100, ..computing.thread };
        (computing.cause, computing.syscall) = (Cause::Cpu, None);
        computing.evidence =
            Evidence { window_ns: lasted_ms * MS, cpu_ns: lasted_ms * MS, ..Evidence::default() };
        let routes = [("GET /", 14), ("GET /users/{id}", 3)]
            .map(|(route, requests)| RouteVictims { route: route.into(), requests });
        computing.victims = Victims { tasks: 3, sockets: Some(0), delay_ns: 400 * MS, routes: routes.into() };
        self.now_ns += lasted_ms * MS;
        self.line(Line::Stall(computing))
    }

    /// The process says that it ends.
    pub(crate) fn ends(self) -> Self {
        let at_ns = self.now_ns;
        self.line(Line::End(End { at_ns }))
    }

    /// As it is on the wire.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let header = Line::Header(self.header.clone());
        std::iter::once(&header).chain(&self.lines).flat_map(Line::encode).collect()
    }

    /// A model that was told all of it just now, live.
    pub(crate) fn live(self) -> Watched {
        self.watched(Origin::Live("/run/stallscope/4242.sock".into()))
    }

    /// A model that has read all of it from a log, and how the log ended.
    pub(crate) fn logged(self, ending: Ending) -> Watched {
        let mut watched = self.watched(Origin::Log("app.jsonl".into()));
        watched.update(Msg::Source(0, Message::Ended(ending)));
        watched
    }

    fn watched(self, origin: Origin) -> Watched {
        let mut watched =
            Watched { model: Model::new(self.header, origin), ours: Duration::from_nanos(self.now_ns) };
        for line in self.lines {
            watched.model.apply(line, watched.ours);
        }
        watched.model.settle();
        watched
    }
}

/// A model, and what its view's clock says.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) model: Model,
    pub(crate) ours: Duration,
}

impl Watched {
    pub(crate) fn update(&mut self, msg: Msg) {
        self.model.update(msg, self.ours);
        self.model.settle();
    }

    pub(crate) fn press(mut self, keys: &[Key]) -> Self {
        for key in keys {
            self.update(Msg::Key(*key));
        }
        self
    }

    /// Nothing comes for a while.
    pub(crate) fn later(mut self, by: Duration) -> Self {
        self.ours += by;
        self
    }
}

fn stall(id: u64, phase: Phase, began_ns: u64, lasted_ns: u64, stack: Option<Stack>) -> Stall {
    Stall {
        id,
        at_ns: began_ns + lasted_ns,
        phase,
        started_ns: began_ns,
        duration_ns: lasted_ns,
        attributable_ns: lasted_ns,
        thread: Thread { runtime: 1, worker: Some(1), name: "tokio-runtime-worker".into(), tid: 101 },
        owner: Owner::Task,
        task: Some(Task { id: 7, spawned_at: "src/main.rs:20:5".into() }),
        certainty: Certainty::Exact,
        cause: Cause::Syscall,
        syscall: Some("clock_nanosleep".into()),
        evidence: Evidence {
            window_ns: lasted_ns,
            cpu_ns: 90_000,
            run_queue_ns: 310_000,
            blocked_ns: lasted_ns.saturating_sub(400_000),
            ..Evidence::default()
        },
        stack,
        serving: Some(Serving { route: "GET /reports/{month}".into(), id: Some("b71c-52".into()) }),
        victims: Victims { tasks: 14, sockets: Some(0), delay_ns: lasted_ns * 9, ..Victims::default() },
        ..Stall::default()
    }
}

/// One that had to wait behind others, one that only awaited, and one whose client left.
fn slowest() -> Vec<SlowRequest> {
    use Doing::{Awaiting, Behind, Own};
    let slow = |route: &str, id: Option<&str>, status, steps: &[(Doing, u64)]| SlowRequest {
        request: Serving { route: route.into(), id: id.map(str::to_owned) },
        status,
        took_ns: steps.iter().map(|(_, ms)| ms * MS).sum(),
        timeline: steps.iter().map(|&(doing, ms)| Step { doing, for_ns: ms * MS }).collect(),
        ..SlowRequest::default()
    };
    vec![
        slow(
            "POST /orders",
            Some("b71c-44"),
            Some(201),
            &[(Own, 12), (Awaiting, 90), (Behind, 220), (Own, 20)],
        ),
        slow("POST /orders", Some("b71c-29"), None, &[(Own, 2), (Awaiting, 250)]),
        slow("GET /users/{id}", None, Some(500), &[(Own, 1), (Awaiting, 4), (Behind, 10), (Own, 1)]),
    ]
}

fn sleeping_stack() -> Stack {
    stack(
        4,
        &[
            ("clock_nanosleep", "", 0, "libc", false),
            (
                "std::sys::pal::unix::thread::Thread::sleep",
                "library/std/src/sys/pal/unix/thread.rs",
                263,
                "std",
                false,
            ),
            ("std::thread::sleep", "library/std/src/thread/mod.rs", 870, "std", false),
            (
                "core::ops::function::FnOnce::call_once",
                "library/core/src/ops/function.rs",
                250,
                "core",
                false,
            ),
            ("shop_api::report::render", "src/report.rs", 42, "shop_api", true),
            ("shop_api::report::monthly::{{closure}}", "src/report.rs", 17, "shop_api", true),
            (
                "<axum::handler::HandlerFuture<H, S> as core::future::Future>::poll",
                "axum-0.8.9/src/handler/future.rs",
                43,
                "axum",
                false,
            ),
            (
                "<alloc::boxed::Box<dyn core::future::Future<Output = http::Response<Body>> + Send> as core::future::Future>::poll",
                "library/alloc/src/boxed.rs",
                2184,
                "alloc",
                false,
            ),
            (
                "tokio::runtime::task::core::Core<T,S>::poll",
                "tokio-1.54.1/src/runtime/task/core.rs",
                365,
                "tokio",
                false,
            ),
        ],
    )
}

fn computing_stack() -> Stack {
    stack(0, &[("shop_api::password::hash", "src/password.rs", 88, "shop_api", true)])
}

fn stack(culprit: u32, frames: &[(&str, &str, u32, &str, bool)]) -> Stack {
    let frames = frames.iter().map(|&(function, file, line, krate, user)| Frame {
        function: Some(function.into()),
        file: Some(file.to_owned()).filter(|file| !file.is_empty()),
        line: Some(line).filter(|&line| line > 0),
        krate: Some(krate.into()),
        user,
        ..Frame::default()
    });
    let frames = frames.collect();
    Stack { quality: Quality::Exact, culprit: Some(culprit), frames, ..Stack::default() }
}
