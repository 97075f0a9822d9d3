//! The watchdog: a thread of its own that sees what the blocked workers cannot tell.

mod lag;
mod stalls;
mod times;

pub(crate) use stalls::StallReport;

use crate::capture::Capturer;
use crate::clock;
use crate::collector::Message;
use crate::diagnosis::Report;
use crate::engine::{Engine, offer};
use crate::recorder::{self, Registered};
use crate::runtime::Runtime;
use lag::{LagWatch, Looked, Since};
use stalls::{Look, Watch};
use stallscope_wire::{Gap, Pause};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;

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
        reports,
        capturer,
        watches: Vec::new(),
        lags: Vec::new(),
        changes: 0,
        last_ns: clock::now_ns(),
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
    reports: &'a SyncSender<Report>,
    capturer: Option<Capturer>,
    watches: Vec<Watch>,
    lags: Vec<LagWatch>,
    /// The count of changes at which the threads were taken up last.
    changes: u64,
    last_ns: u64,
}

impl Watchdog<'_> {
    /// A last look, and then the request, so that it comes through behind everything seen.
    fn pass_on(&mut self, wake_ns: u64, request: Report) {
        self.look(wake_ns);
        // Waits when the queue is full: the asker waits too, and has its own limit.
        let _ = self.reports.send(request);
    }

    /// Looks at every thread and runtime once; when to look again, in nanoseconds since the start.
    fn look(&mut self, planned_ns: u64) -> u64 {
        let now_ns = clock::now_ns();
        let late_ns = now_ns.saturating_sub(planned_ns.max(self.last_ns));
        let gap_ns = if late_ns >= LATE_NS { late_ns } else { 0 };
        if gap_ns > 0 {
            offer(self.reports, Report::Pause(Pause { at_ns: now_ns, gap_ns }), &self.engine.losses);
        }
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

        let all_busy = |runtime: &Runtime, watches: &[Watch]| {
            watches.iter().filter(|watch| watch.is_worker_of(runtime.id)).all(Watch::is_stalled)
        };
        for index in 0..self.watches.len() {
            let runtime = Arc::clone(self.watches[index].runtime());
            let behind_all = all_busy(&runtime, &self.watches);
            let look = Look { now_ns, elapsed_ns, gap_ns, behind_all };
            self.watches[index].look(look, &mut self.capturer, self.engine, self.reports);
        }
        self.look_at_lag(now_ns, gap_ns);

        // A poll that begins right after this look must be seen before it is as long as its threshold.
        let thresholds = runtimes.iter().map(|runtime| runtime.settings.threshold_ns);
        let sleep_ns = thresholds.min().map_or(IDLE_SLEEP_NS, |threshold| threshold.min(LONGEST_SLEEP_NS));
        let due = self.watches.iter().filter_map(Watch::due_ns).chain(self.lags.iter().map(LagWatch::due_ns));
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
                watch.close(now_ns, self.engine, self.reports);
            }
        }
        self.watches.retain(|watch| registered.iter().any(|thread| same(watch, thread)));
        for thread in registered {
            if self.watches.iter().any(|watch| same(watch, &thread)) {
                continue;
            }
            if let Some(runtime) = runtimes.iter().find(|runtime| runtime.id == thread.thread.runtime) {
                self.watches.push(Watch::new(thread, Arc::clone(runtime)));
            }
        }
    }

    fn look_at_lag(&mut self, now_ns: u64, gap_ns: u64) {
        let mut gone = Vec::new();
        for lag in &mut self.lags {
            let id = lag.runtime.id;
            let of_it = || self.watches.iter().filter(move |watch| watch.runtime_id() == id);
            let stalls: Vec<u64> = of_it().filter_map(Watch::stall).collect();
            let host_ns = of_it().map(Watch::starved_ns).min().unwrap_or(0).max(gap_ns);
            let one_thread = lag.runtime.is_current_thread();
            let undriven = one_thread && of_it().all(Watch::is_elsewhere);
            match lag.look(Since { now_ns, stalls: &stalls, host_ns, undriven }) {
                Looked::Fine => {}
                Looked::Late(lag) => {
                    offer(self.reports, Report::Lag { lag, one_thread }, &self.engine.losses);
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
            watch.close(now_ns, self.engine, self.reports);
        }
        self.watches.retain(|watch| !is_left(watch));
    }
}
