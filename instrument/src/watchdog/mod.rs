//! The watchdog: a thread of its own that sees what the blocked workers cannot tell.

mod debugger;
mod lag;
mod outbox;
mod sampled;
mod stalls;
mod strangers;
mod switches;
mod times;

pub(crate) use sampled::Sampled;
pub(crate) use stalls::StallReport;

use crate::capture::Capturer;
use crate::clock;
use crate::collector::Message;
use crate::diagnosis::Report;
use crate::engine::{Engine, offer};
use crate::probe;
use crate::recorder::{self, Registered};
use crate::runtime::Runtime;
use lag::{LagWatch, Looked, Since};
use outbox::Outbox;
use stalls::{Look, Watch};
use stallscope_wire::{Gap, Pause};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;
use strangers::Strangers;

/// How long the watchdog sleeps at most while there is a runtime.
const LONGEST_SLEEP_NS: u64 = 20_000_000;
/// How long it sleeps while there is none.
const IDLE_SLEEP_NS: u64 = 100_000_000;
/// Being woken later than this is a pause of the host's.
const LATE_NS: u64 = 20_000_000;

/// A request to the watchdog; the sender is told when it has come through to the output.
#[derive(Debug)]
pub(crate) enum Control {
    /// Write what was seen so far.
    Flush(Sender<()>),
    /// The program ends.
    Finish(Sender<()>),
}

/// The watchdog's thread.
pub(crate) fn run(
    engine: &'static Engine,
    controls: &Receiver<Control>,
    reports: &SyncSender<Report>,
    output: &SyncSender<Message>,
) {
    clock::calibrate();
    let capturer = match Capturer::new() {
        Ok(capturer) => Some(capturer),
        Err(unavailable) => {
            let gap = Gap {
                what: format!("which line blocks: {unavailable}"),
                cure: "the spawn location of the task is named instead".to_owned(),
            };
            offer(output, Message::Gap(gap), &engine.losses);
            None
        }
    };
    let mut watchdog = Watchdog {
        engine,
        reports: Outbox::new(reports, &engine.losses),
        capturer,
        watches: Vec::new(),
        lags: Vec::new(),
        strangers: Strangers::default(),
        changes: 0,
        last_ns: clock::now_ns(),
        done_ns: clock::now_ns(),
    };
    let mut wake_ns = watchdog.last_ns;
    loop {
        let sleep = Duration::from_nanos(wake_ns.saturating_sub(clock::now_ns()));
        match controls.recv_timeout(sleep) {
            Ok(Control::Flush(done)) => watchdog.pass_on(wake_ns, Report::Flush(done)),
            Ok(Control::Finish(done)) => watchdog.pass_on(wake_ns, Report::Finish(done)),
            Err(RecvTimeoutError::Timeout) => {}
            // The engine holds the other end and is never dropped.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        wake_ns = watchdog.look(wake_ns);
    }
}

struct Watchdog<'a> {
    engine: &'static Engine,
    reports: Outbox<'a>,
    capturer: Option<Capturer>,
    watches: Vec<Watch>,
    lags: Vec<LagWatch>,
    strangers: Strangers,
    /// The count of changes at which the threads were taken up last.
    changes: u64,
    /// When the last look began.
    last_ns: u64,
    /// When it was done: what comes later and was not planned is the host's.
    done_ns: u64,
}

impl Watchdog<'_> {
    /// A last look, and then the request, so that it comes through behind everything seen.
    fn pass_on(&mut self, wake_ns: u64, request: Report) {
        self.look(wake_ns);
        self.reports.send(request);
        self.done_ns = clock::now_ns();
    }

    /// Looks at every thread and runtime once; when to look again, in nanoseconds since the start.
    fn look(&mut self, planned_ns: u64) -> u64 {
        let now_ns = clock::now_ns();
        let late_ns = now_ns.saturating_sub(planned_ns.max(self.done_ns));
        let gap_ns = if late_ns >= LATE_NS { late_ns } else { 0 };
        if gap_ns > 0 {
            self.reports.tell(Report::Pause(Pause { at_ns: now_ns, gap_ns }));
        }
        self.reports.send_kept();
        let elapsed_ns = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        // Before the runtimes: a thread that comes in between is seen again at the next look, with its runtime.
        let changes = recorder::changes();
        let runtimes = self.engine.runtimes();
        if changes != self.changes {
            self.changes = changes;
            self.take_up_threads(&runtimes, now_ns);
        }
        self.take_up_runtimes(&runtimes, now_ns);
        self.strangers.look(&runtimes, now_ns);

        // The injection queue waits behind one of the stalled workers, or it would be counted once for each.
        let mut counted = Vec::new();
        for index in 0..self.watches.len() {
            let watch = &self.watches[index];
            let runtime = Arc::clone(watch.runtime());
            let workers = || {
                self.watches.iter().filter(|watch| watch.is_worker_of(runtime.id) && !watch.is_elsewhere())
            };
            let behind_all =
                watch.is_stalled() && workers().all(Watch::is_stalled) && !counted.contains(&runtime.id);
            if behind_all {
                counted.push(runtime.id);
            }
            let awaited = runtime.probes_waiting() > 0;
            let look = Look { now_ns, elapsed_ns, gap_ns, behind_all, awaited };
            self.watches[index].look(look, &mut self.capturer, &mut self.reports);
        }
        for watch in self.watches.iter().filter(|watch| watch.is_suspect()) {
            probe::take_pulse(watch.runtime());
        }
        self.look_at_lag(now_ns, gap_ns);

        // A poll that begins right after this look must be seen before it is as long as its threshold.
        let thresholds = runtimes.iter().map(|runtime| runtime.settings.threshold_ns);
        let sleep_ns = thresholds.min().map_or(IDLE_SLEEP_NS, |threshold| threshold.min(LONGEST_SLEEP_NS));
        let due = self.watches.iter().filter_map(Watch::due_ns).chain(self.lags.iter().map(LagWatch::due_ns));
        self.done_ns = clock::now_ns();
        // A due time in the past must not make it spin.
        due.min().unwrap_or(u64::MAX).clamp(now_ns + 500_000, now_ns + sleep_ns)
    }

    /// Takes up runtimes that are new, and lets go of those that are gone.
    fn take_up_runtimes(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64) {
        self.lags.retain(|lag| runtimes.iter().any(|runtime| runtime.id == lag.runtime.id));
        for runtime in runtimes {
            if !self.lags.iter().any(|lag| lag.runtime.id == runtime.id) {
                self.lags.push(LagWatch::new(Arc::clone(runtime), now_ns));
            }
        }
    }

    /// Takes up threads that are new, and lets go of those that are gone.
    fn take_up_threads(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64) {
        let registered = recorder::registered();
        let same = |watch: &Watch, thread: &Registered| watch.is_of(thread);
        for watch in &mut self.watches {
            if !registered.iter().any(|thread| same(watch, thread)) {
                watch.close(now_ns, &mut self.reports);
            }
        }
        self.watches.retain(|watch| registered.iter().any(|thread| same(watch, thread)));
        for watch in &mut self.watches {
            watch.set_own(&registered);
        }
        for thread in &registered {
            if self.watches.iter().any(|watch| same(watch, thread)) {
                continue;
            }
            if let Some(runtime) = runtimes.iter().find(|runtime| runtime.id == thread.thread.runtime) {
                let mut watch = Watch::new(thread.clone(), Arc::clone(runtime));
                watch.set_own(&registered);
                self.watches.push(watch);
            }
        }
    }

    fn look_at_lag(&mut self, now_ns: u64, gap_ns: u64) {
        let mut gone = Vec::new();
        for lag in &mut self.lags {
            let id = lag.runtime.id;
            let of_it = || self.watches.iter().filter(move |watch| watch.runtime_id() == id);
            let stalls: Vec<u64> = of_it().filter_map(Watch::stall).collect();
            let one_thread = lag.runtime.is_current_thread();
            // A thread that only runs the root future would not have taken the probe.
            let takers = || of_it().filter(|watch| one_thread || watch.is_worker_of(id));
            let host_ns = takers().map(Watch::starved_ns).min().unwrap_or(0).max(gap_ns);
            let undriven =
                one_thread && of_it().all(|watch| watch.is_elsewhere() || watch.is_of_root_alone());
            let limit_ns = lag.runtime.settings.lag_limit_ns;
            let unclear = one_thread && of_it().any(|watch| watch.is_unclear(now_ns, limit_ns));
            match lag.look(Since { now_ns, stalls: &stalls, host_ns, undriven, unclear }) {
                Looked::Fine => {}
                Looked::Late(lag) => {
                    self.reports.tell(Report::Lag { lag, one_thread });
                }
                Looked::Gone => {
                    self.engine.remove_runtime(id);
                    gone.extend(one_thread.then_some(id));
                }
            }
        }
        self.leave(&gone, now_ns);
    }

    /// What the one thread of a runtime is still recorded to be at when that runtime is shut down is over: it has left
    /// `block_on` without a word. A worker may be stuck in a poll for longer than its runtime lives.
    fn leave(&mut self, gone: &[u64], now_ns: u64) {
        let is_left = |watch: &Watch| gone.contains(&watch.runtime_id());
        for watch in self.watches.iter_mut().filter(|watch| is_left(watch)) {
            watch.close(now_ns, &mut self.reports);
        }
        self.watches.retain(|watch| !is_left(watch));
    }
}
