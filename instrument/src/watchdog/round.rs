//! The watchdog's thread, and what it does in one round: a look at every thread and runtime.

use super::behind::Loops;
use super::host::Host;
use super::lag::{LagWatch, Looked, Since};
use super::outbox::Outbox;
use super::pace::{IDLE_PROBE_NS, LOOK_NS, Pace, Plan};
use super::pool::Pools;
use super::stalls::Look;
use super::strangers::Strangers;
use super::times::TimesReader;
use super::unpolled::{Around, Waiting};
use super::watch::Watch;
use crate::capture::Capturer;
use crate::clock;
use crate::collector::Message;
use crate::diagnosis::Report;
use crate::engine::{Engine, offer};
use crate::probe;
use crate::recorder::{self, Cell, Registered};
use crate::runtime::Runtime;
use crate::task::Orphans;
use stallscope_wire::{Gap, Mode, Pause};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};

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
            let gap = Gap::new(
                format!("which line blocks: {unavailable}"),
                "see where the task was spawned, or run the same on x86_64 Linux",
            );
            offer(output, Message::Gap(gap), &engine.losses);
            None
        }
    };
    let mut watchdog = Watchdog {
        engine,
        output,
        reports: Outbox::new(reports, &engine.losses),
        capturer,
        watches: Vec::new(),
        lags: Vec::new(),
        loops: Loops::default(),
        host: Host::new(),
        strangers: Strangers::default(),
        pools: Pools::default(),
        waiting: Waiting::default(),
        own: TimesReader::new(crate::capture::thread::tid()),
        own_wait_ns: 0,
        changes: 0,
        // What was set before the first look is a change like any other.
        mode: Mode::Full,
        pace: Pace::default(),
        orphans: Orphans::default(),
        done_ns: clock::now_ns(),
    };
    let mut plan = Plan { wake_ns: watchdog.done_ns, deep: false };
    loop {
        let (rung, planned_ns) =
            plan.sleep(|| watchdog.is_anything_open() || watchdog.pools.is_anything_waiting());
        // The engine holds the other end and is never dropped.
        while let Ok(control) = controls.try_recv() {
            match control {
                Control::Flush(done) => watchdog.pass_on(planned_ns, Report::Flush(done)),
                Control::Finish(done) => watchdog.pass_on(planned_ns, Report::Finish(done)),
            }
        }
        plan = watchdog.look(planned_ns, rung);
    }
}

struct Watchdog<'a> {
    engine: &'static Engine,
    output: &'a SyncSender<Message>,
    reports: Outbox<'a>,
    capturer: Option<Capturer>,
    watches: Vec<Watch>,
    lags: Vec<LagWatch>,
    loops: Loops,
    host: Host,
    strangers: Strangers,
    pools: Pools,
    waiting: Waiting,
    /// The watchdog's own times, and how long it had waited for a processor at the last look.
    own: TimesReader,
    own_wait_ns: u64,
    /// The count of changes at which the threads were taken up last.
    changes: u64,
    /// That of the last look.
    mode: Mode,
    pace: Pace,
    orphans: Orphans,
    /// When the last look was done: what comes later and was not planned is the host's.
    done_ns: u64,
}

impl Watchdog<'_> {
    /// A last look, and then the request, so that it comes through behind everything seen.
    fn pass_on(&mut self, wake_ns: u64, request: Report) {
        self.look(wake_ns, true);
        self.pools.tell(clock::now_ns(), &mut self.reports);
        self.reports.settle(u64::MAX);
        self.reports.send(request);
        self.done_ns = clock::now_ns();
    }

    /// Looks at every thread and runtime once; when to look again.
    fn look(&mut self, planned_ns: u64, rung: bool) -> Plan {
        let now_ns = clock::now_ns();
        self.follow_mode(now_ns);
        if self.mode == Mode::Off {
            self.reports.send_kept();
            self.done_ns = now_ns;
            return self.rest(now_ns);
        }
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
        self.take_up_runtimes(&runtimes);
        self.strangers.look(&runtimes, now_ns);
        let pool_ns = self.engine.limits.pool_ns;
        self.pools.look(&runtimes, now_ns, pool_ns, &mut self.capturer, &mut self.reports);

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
        self.capturer.iter_mut().for_each(Capturer::end_round);
        for gap in self.capturer.as_mut().map(Capturer::take_gaps).into_iter().flatten() {
            self.reports.tell(Report::Unseen(gap));
        }
        for watch in self.watches.iter().filter(|watch| watch.is_suspect()) {
            probe::take_pulse(watch.runtime());
        }
        self.reports.settle(now_ns);
        let worked = self.watches.iter().map(Watch::worked).fold(0, u64::wrapping_add);
        self.pace.see(now_ns, self.is_anything_open(), worked, rung);
        let idle = self.pace.is_idle(now_ns);
        self.look_at_lag(now_ns, gap_ns, idle);
        let engine = self.engine;
        self.orphans.look(now_ns, engine.limits.lost_task_ns, |line| engine.tell(line));
        if self.mode == Mode::Full {
            let limit_ns = self.engine.limits.never_polled_ns;
            let around = Around { now_ns, gap_ns, limit_ns, runtimes: &runtimes, watches: &self.watches };
            self.waiting.look(around, idle, self.output, &self.engine.losses);
        }

        self.done_ns = clock::now_ns();
        let due = self.watches.iter().filter_map(Watch::due_ns);
        let due = due.chain(self.lags.iter().map(|lag| lag.due_ns(idle)));
        let (pools_due, routes_due) = (self.pools.due_ns(), self.reports.due_ns());
        let Some(due_ns) = due.chain(pools_due).chain(routes_due).min() else { return self.rest(now_ns) };
        let deep = idle
            && pools_due.is_none()
            && !self.reports.keeps()
            && !self.lags.iter().any(LagWatch::is_awaited);
        // A poll that begins right after this look must be seen before it is as long as its threshold.
        let thresholds = runtimes.iter().map(|runtime| runtime.settings.threshold_ns);
        let longest_ns = thresholds.min().map_or(LOOK_NS, |threshold| threshold.min(LOOK_NS));
        let longest_ns = if deep { IDLE_PROBE_NS } else { longest_ns };
        // A due time in the past must not make it spin.
        Plan { wake_ns: due_ns.clamp(now_ns + 500_000, now_ns + longest_ns), deep }
    }

    /// There is nothing to look at.
    fn rest(&self, now_ns: u64) -> Plan {
        if self.reports.keeps() {
            return Plan { wake_ns: now_ns + LOOK_NS, deep: false };
        }
        Plan::until_rung(now_ns)
    }

    /// Whether a thread is at anything: it would not ring when it begins something.
    fn is_anything_open(&self) -> bool {
        !self.watches.iter().all(Watch::is_parked)
    }

    /// Ends what was seen when recording ends, and begins anew when it begins again.
    fn follow_mode(&mut self, now_ns: u64) {
        let before = std::mem::replace(&mut self.mode, recorder::mode());
        if before == self.mode {
            return;
        }
        // In other modes nobody compares whether a poll is a task's first.
        self.waiting.forget(now_ns, self.output);
        if self.mode == Mode::Off {
            for mut watch in self.watches.drain(..) {
                watch.close(now_ns, &self.host, &mut self.reports);
            }
            self.lags.drain(..).for_each(LagWatch::abandon);
            self.pools.close(now_ns, &mut self.reports);
            self.changes = u64::MAX;
        }
        if before == Mode::Off {
            // What was long when recording ended is over and told.
            recorder::cells().into_iter().for_each(Cell::forget_long);
        }
        // Readers learn of it with the next state, and at once: not behind the names that the diagnosis looks for.
        offer(self.output, Message::Flush(channel().0), &self.engine.losses);
    }

    /// The part of a gap in which the watchdog was not even ready to run, as when the whole process is stopped. A machine that
    /// is only busy makes each thread wait by itself, and that is booked for each.
    fn stopped_ns(&mut self, gap_ns: u64) -> u64 {
        let Some((_, times)) = self.own.read() else { return gap_ns };
        let before_ns = std::mem::replace(&mut self.own_wait_ns, times.run_queue_ns);
        gap_ns.saturating_sub(times.run_queue_ns.saturating_sub(before_ns))
    }

    /// Takes up runtimes that are new, and lets go of those that are gone.
    fn take_up_runtimes(&mut self, runtimes: &[Arc<Runtime>]) {
        self.lags.retain(|lag| runtimes.iter().any(|runtime| runtime.id == lag.runtime.id));
        for runtime in runtimes {
            if !self.lags.iter().any(|lag| lag.runtime.id == runtime.id) {
                self.lags.push(LagWatch::new(Arc::clone(runtime)));
            }
        }
    }

    /// Takes up threads that are new, and lets go of those that are gone.
    fn take_up_threads(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64) {
        let registered = recorder::registered();
        let same = |watch: &Watch, thread: &Registered| watch.is_of(thread);
        // A thread that came and went between two looks.
        for thread in recorder::left() {
            if self.watches.iter().any(|watch| same(watch, &thread)) {
                continue;
            }
            match self.engine.find(thread.thread.runtime) {
                Some(runtime) => self.watches.push(Watch::new(thread, runtime)),
                None => {
                    let lost = iter::from_fn(|| thread.cell.next_long(thread.generation)).count();
                    self.engine.losses.events.fetch_add(lost as u64, Relaxed);
                }
            }
        }
        for watch in &mut self.watches {
            if !registered.iter().any(|thread| same(watch, thread)) {
                watch.close(now_ns, &self.host, &mut self.reports);
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
                self.capturer.iter_mut().for_each(|capturer| capturer.meet(thread));
                thread.cell.set_long_after(clock::ns_to_ticks(runtime.settings.threshold_ns));
                let mut watch = Watch::new(thread.clone(), Arc::clone(runtime));
                watch.set_own(&registered);
                self.watches.push(watch);
            }
        }
    }

    fn look_at_lag(&mut self, now_ns: u64, gap_ns: u64, idle: bool) {
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
            let undriven =
                one_thread && of_it().all(|watch| watch.is_elsewhere() || watch.is_of_root_alone());
            let limit_ns = lag.runtime.settings.lag_limit_ns;
            let unclear = one_thread && of_it().any(|watch| watch.is_unclear(now_ns, limit_ns));
            match lag.look(Since { now_ns, stalls: &stalls, host_ns, undriven, unclear, idle }) {
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
