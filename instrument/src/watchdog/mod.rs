//! The watchdog: a thread of its own that sees what the blocked workers cannot tell.

mod behind;
mod debugger;
mod evidence;
mod host;
mod lag;
mod outbox;
mod stalls;
mod times;
#[cfg_attr(not(target_os = "linux"), path = "unread_elsewhere.rs")]
mod unread;

pub(crate) use stalls::StallReport;

use crate::capture::Capturer;
use crate::clock;
use crate::collector::Message;
use crate::diagnosis::Report;
use crate::engine::{Engine, offer};
use crate::recorder::{self, Registered};
use crate::runtime::Runtime;
use behind::Loops;
use host::Host;
use lag::{LagWatch, Looked, Since};
use outbox::Outbox;
use stalls::{Look, Watch};
use stallscope_wire::{Gap, Pause};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;
use times::TimesReader;

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
        loops: Loops::default(),
        host: Host::new(),
        own: TimesReader::new(crate::capture::thread::tid()),
        own_wait_ns: 0,
        changes: 0,
        done_ns: clock::now_ns(),
    };
    let mut wake_ns = watchdog.done_ns;
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
    loops: Loops,
    host: Host,
    /// The watchdog's own times, and how long it had waited for a processor at the last look.
    own: TimesReader,
    own_wait_ns: u64,
    /// The count of changes at which the threads were taken up last.
    changes: u64,
    /// When the last look was done: what comes later and was not planned is the host's.
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
        let stopped_ns = self.stopped_ns(gap_ns);
        self.reports.send_kept();
        // Before the runtimes: a thread that comes in between is seen again at the next look, with its runtime.
        let changes = recorder::changes();
        let runtimes = self.engine.runtimes();
        if changes != self.changes {
            self.changes = changes;
            self.take_up_threads(&runtimes, now_ns);
        }
        self.take_up_runtimes(&runtimes, now_ns);

        // Before the times are read: a thread's wait for a processor is booked before it polls a probe.
        self.lags.iter_mut().for_each(LagWatch::see_probe);
        if self.watches.iter().any(Watch::is_at_something) {
            self.host.keep();
        }
        let behind = self.loops.look(&self.watches, now_ns);
        for (watch, behind) in self.watches.iter_mut().zip(behind) {
            let look = Look { now_ns, gap_ns: stopped_ns, behind, host: &self.host };
            watch.look(look, &mut self.capturer, &mut self.reports);
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

    /// The part of a gap in which the watchdog was not even ready to run, as when the whole process is stopped. A machine that
    /// is only busy makes each thread wait by itself, and that is booked for each.
    fn stopped_ns(&mut self, gap_ns: u64) -> u64 {
        let Some((_, times)) = self.own.read() else { return gap_ns };
        let before_ns = std::mem::replace(&mut self.own_wait_ns, times.run_queue_ns);
        gap_ns.saturating_sub(times.run_queue_ns.saturating_sub(before_ns))
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
                watch.close(now_ns, &self.host, &mut self.reports);
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
            let one_thread = lag.runtime.is_current_thread();
            // A thread that only runs the root future would not have taken the probe.
            let takers = || of_it().filter(|watch| one_thread || watch.is_worker_of(id));
            // A parked one would have taken it, had it been woken; one that was and does not run is why it waits.
            let host_ns = takers().map(Watch::starved_ns).max().unwrap_or(0).max(gap_ns);
            let undriven = one_thread && of_it().all(Watch::is_elsewhere);
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
            watch.close(now_ns, &self.host, &mut self.reports);
        }
        self.watches.retain(|watch| !is_left(watch));
    }
}
